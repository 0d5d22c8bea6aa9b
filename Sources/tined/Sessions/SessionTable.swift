import Control
import FoundationEssentials
import Logging
import Processes
import Service
import Synchronization
import SystemIO

/// The sessions of all clients, by their tokens.
///
/// The supervisor keeps the connection of each session that holds leases, so that its end is noticed after this worker's too. And
/// heads with a lease are recorded in the store, for a daemon that is killed altogether: the next one drops them.
final class SessionTable: Sendable {
  private struct State {
    var sessions: [String: Session] = [:]
    var nextNumber = 0
  }

  private let state = Mutex(State())
  private let supervisor: SupervisorLink
  private let record: LeaseRecord
  private let activity: Activity
  private let log: Logger
  /// Ends what was made for a session, the last first.
  private let end: Mutex<(@Sendable ([Lease]) -> Void)?> = Mutex(nil)

  /// - Parameter directory: where the daemon keeps its records.
  init(in directory: String, supervisor: SupervisorLink, activity: Activity, log: Logger) {
    record = LeaseRecord(in: directory)
    self.supervisor = supervisor
    self.activity = activity
    self.log = log
  }

  /// Takes over the sessions of the worker before. What a killed daemon has left of others ends now.
  ///
  /// - Parameter end: ends what was made for a session; called on any thread.
  func restore(ending end: @escaping @Sendable ([Lease]) -> Void) {
    self.end.withLock { $0 = end }
    for name in supervisor.inheritedNames {
      guard let number = Descriptors.sessionNumber(name), let inherited = supervisor.take(name) else { continue }
      do throws(Failure) {
        let kept = try JSON.decode(KeptSession.self, from: Data(inherited.data))
        insert(
          Session(number: number, token: kept.token, socket: MessageSocket(inherited.release()), leases: kept.leases))
      } catch {
        log.error("a client's session is lost: \(error.message)")
      }
    }
    let held = Set(all.flatMap(\.leases))
    let left = record.read().filter { !held.contains(.head($0)) }
    if !left.isEmpty {
      log.notice("ending what was made for clients of a daemon that was killed: \(left.count) forks and snapshots")
      end(left.map { .head($0) })
    }
    writeRecord()
  }

  /// Those that are served.
  var all: [Session] { state.withLock { $0.sessions.values.filter { !$0.isOver } } }

  /// Whether something was made for a client that is still there.
  var holdsLeases: Bool { state.withLock { $0.sessions.values.contains { !$0.leases.isEmpty } } }

  /// Begins a session.
  func open(_ socket: consuming MessageSocket) -> Session {
    var generator = SystemRandomNumberGenerator()
    let token = (0..<2).map { _ in String(generator.next() as UInt64, radix: 16) }.joined(separator: "-")
    let number = state.withLock { state in
      state.nextNumber += 1
      return state.nextNumber
    }
    let session = Session(number: number, token: token, socket: socket)
    insert(session)
    return session
  }

  private func insert(_ session: Session) {
    state.withLock { state in
      state.nextNumber = max(state.nextNumber, session.number)
      state.sessions[session.token] = session
    }
  }

  /// The descriptor that a request names.
  func take(_ passed: PassedDescriptor) throws(Failure) -> FileDescriptor {
    try session(passed.session).take(passed.number)
  }

  /// Refuses a token of which there is no session.
  func check(_ token: String?) throws(Failure) {
    if let token { _ = try session(token) }
  }

  /// Has something end with a session. If that is over by now, it ends at once.
  func lease(_ lease: Lease, to token: String) throws(Failure) {
    guard let session = state.withLock({ $0.sessions[token] }), session.add(lease) else {
      end.withLock { $0 }?([lease])
      throw .noSession
    }
    keepInSupervisor(session)
    if case .head = lease { writeRecord() }
  }

  /// What has ended before its session need not be ended with it. The supervisor and the record may name it still: that does no harm.
  func forget(_ isForgotten: (Lease) -> Bool) {
    for session in all { session.forget(isForgotten) }
  }

  /// Has a head stay after the session for which it was made. This is durable when it returns.
  func keep(_ name: String, of session: Session) throws(Failure) {
    guard session.keep(name) else { throw Failure(.noSuchName, "\(name) was not made for this session") }
    keepInSupervisor(session)
    try record.write(recorded, durably: true)
  }

  /// The client is gone: what was made for it ends, on a thread of its own.
  func close(_ session: Session) {
    session.close()
    // A daemon that is ending ends it with everything else.
    do throws(Failure) { try activity.begin() } catch { return }
    let work: @Sendable () -> Void = { [self] in
      finish(session)
      activity.end()
    }
    if session.leases.isEmpty { return work() }
    do throws(Errno) { try Worker(work).detach() } catch { work() }
  }

  /// Ends what was made for any client.
  func closeAll() {
    for session in state.withLock({ Array($0.sessions.values) }) {
      session.close()
      finish(session)
    }
  }

  private func finish(_ session: Session) {
    let leases = session.leases
    if !leases.isEmpty { end.withLock { $0 }?(leases.reversed()) }
    _ = state.withLock { $0.sessions.removeValue(forKey: session.token) }
    if !leases.isEmpty {
      writeRecord()
      supervisor.tell(.drop(name: Descriptors.session(session.number)))
    }
  }

  private func session(_ token: String) throws(Failure) -> Session {
    guard let session = state.withLock({ $0.sessions[token] }), !session.isOver else { throw .noSession }
    return session
  }

  private func keepInSupervisor(_ session: Session) {
    do {
      let data = [UInt8](try JSON.encode(KeptSession(token: session.token, leases: session.leases)))
      supervisor.tell(
        .keep(name: Descriptors.session(session.number), data: data), descriptor: session.socket.descriptor.rawValue)
    } catch {
      log.error("a client's session will end with this process: \(error)")
    }
  }

  private var recorded: [LeaseRecord.Entry] {
    state.withLock { state in
      state.sessions.values.flatMap(\.leases).compactMap { lease in
        if case .head(let head) = lease { head } else { nil }
      }
    }
  }

  /// Without the record nothing is lost but the cleaning up after a killed daemon.
  private func writeRecord() {
    do throws(Failure) { try record.write(recorded, durably: false) } catch { log.error("\(error.message)") }
  }
}

extension Failure {
  fileprivate static let noSession = Failure(
    .badRequest, "there is no such session", hint: "it ends with the connection that began it")
}
