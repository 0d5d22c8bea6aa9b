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
  /// Held while the supervisor and the record learn of a change, so that they learn of changes in the order in which they happened.
  private let order = Mutex(())
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
  /// - Parameters:
  ///   - isServed: whether the mount with a number is there still. Numbers are used again.
  ///   - end: ends what was made for a session; called on any thread.
  func restore(mounts isServed: (Int) -> Bool, ending end: @escaping @Sendable ([Lease]) -> Void) {
    self.end.withLock { $0 = end }
    for name in supervisor.inheritedNames {
      guard let number = Descriptors.sessionNumber(name), let inherited = supervisor.take(name) else { continue }
      do throws(Failure) {
        let kept = try JSON.decode(KeptSession.self, from: Data(inherited.data))
        let leases = kept.leases.filter { if case .mount(let mount) = $0 { isServed(mount) } else { true } }
        let session = Session(
          number: number, token: kept.token, socket: MessageSocket(inherited.release()), leases: leases)
        session.isKept = true
        insert(session)
      } catch {
        log.error("a client's session is lost: \(error.message)")
      }
    }
    restoreRecorded(end)
  }

  /// The worker before may have died after it had recorded a head and before the supervisor heard of it.
  private func restoreRecorded(_ end: ([Lease]) -> Void) {
    let sessions = state.withLock { $0.sessions }
    var left: [Lease] = []
    for entry in record.read() {
      let lease = Lease.head(entry.head)
      guard let session = sessions[entry.session] else {
        left.append(lease)
        continue
      }
      if !session.leases.contains(lease) { _ = session.add(lease) }
    }
    if !left.isEmpty {
      log.notice("ending what was made for clients of a daemon that was killed: \(left.count) forks and snapshots")
      end(left)
    }
    for session in sessions.values { publish(session, recording: false) }
    order.withLock { _ in writeRecord() }
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
    if case .head = lease { publish(session, recording: true) } else { publish(session, recording: false) }
  }

  /// What has ended before its session need not be ended with it. The supervisor and the record may name it still: that does no harm.
  func forget(_ isForgotten: (Lease) -> Bool) {
    for session in all { session.forget(isForgotten) }
  }

  /// Has a head stay after the session for which it was made. This is durable when it returns.
  func keep(_ name: String, of session: Session) throws(Failure) {
    guard let lease = session.keep(name) else { throw Failure(.noSuchName, "\(name) was not made for this session") }
    do throws(Failure) {
      try order.withLock { (_) throws(Failure) in try record.write(recorded, durably: true) }
    } catch {
      _ = session.add(lease)
      throw error
    }
    publish(session, recording: false)
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
    order.withLock { _ in
      _ = state.withLock { $0.sessions.removeValue(forKey: session.token) }
      if session.isKept { supervisor.tell(.drop(name: Descriptors.session(session.number))) }
      if !leases.isEmpty { writeRecord() }
    }
  }

  private func session(_ token: String) throws(Failure) -> Session {
    guard let session = state.withLock({ $0.sessions[token] }), !session.isOver else { throw .noSession }
    return session
  }

  /// Has the supervisor know what a session holds, and the record if it is to. The connection goes along once.
  private func publish(_ session: Session, recording: Bool) {
    order.withLock { _ in
      // It may have ended meanwhile, and then nobody must know it any more.
      guard state.withLock({ $0.sessions[session.token] != nil }) else { return }
      if recording { writeRecord() }
      do {
        let data = [UInt8](try JSON.encode(KeptSession(token: session.token, leases: session.leases)))
        let descriptor = session.isKept ? -1 : session.socket.descriptor.rawValue
        supervisor.tell(.keep(name: Descriptors.session(session.number), data: data), descriptor: descriptor)
        session.isKept = true
      } catch {
        log.error("a client's session will end with this process: \(error)")
      }
    }
  }

  private var recorded: [LeaseRecord.Entry] {
    state.withLock { state in
      state.sessions.values.flatMap { session in
        session.leases.compactMap { lease in
          if case .head(let head) = lease { LeaseRecord.Entry(head, session: session.token) } else { nil }
        }
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
