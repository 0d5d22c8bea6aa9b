import FoundationEssentials
import Glibc
import Synchronization
public import SystemIO

/// A client's side of a session with the daemon: it passes descriptors, and what the daemon makes for it ends with it.
public final class ClientSession: Sendable {
  /// By which requests name it.
  public let token: String
  private let socket: MessageSocket
  private let watch: SilenceWatch
  private let next = Mutex(0)

  /// Opens a session with the daemon of a store, which must run.
  init(store: String, _ watch: SilenceWatch) throws(Failure) {
    var watch = watch
    socket = try Self.connect(store, watch)
    watch.process = PeerProcess.ofSocket(socket.descriptor.rawValue)
    self.watch = watch
    guard let token = try Self.receive(socket, watch).token else { throw .malformed("no token for the session") }
    self.token = token
  }

  /// Passes a copy of a descriptor, for one request.
  public func pass(_ file: borrowing FileDescriptor) throws(Failure) -> PassedDescriptor {
    let descriptor = file.rawValue
    // One question after the other: answers do not say what they answer.
    return try next.withLock { (next) throws(Failure) in
      next += 1
      try ask(.descriptor(next), descriptor)
      return PassedDescriptor(session: token, number: next)
    }
  }

  /// Has a fork or snapshot that was made for this session stay after it.
  public func keep(_ name: String) throws(Failure) {
    try next.withLock { (_) throws(Failure) in try ask(.keep(name), -1) }
  }

  private func ask(_ request: SessionRequest, _ descriptor: Int32) throws(Failure) {
    let message: [UInt8]
    do { message = [UInt8](try JSON.encode(request)) } catch {
      throw Failure(.failed, "cannot write the request: \(error)")
    }
    do throws(Errno) { try socket.send(message, descriptor: descriptor) } catch { throw Self.unreachable(error) }
    let answer: SessionAnswer
    do throws(Failure) { answer = try Self.receive(socket, watch) } catch {
      // An answer that comes later would be taken for that to the next question.
      shutdown(socket.descriptor.rawValue, Int32(SHUT_RD))
      throw error
    }
    if let error = answer.error { throw error }
  }

  private static func receive(
    _ socket: borrowing MessageSocket, _ watch: SilenceWatch
  ) throws(Failure) -> SessionAnswer {
    var watch = watch.started
    if try watch.wait(for: socket.descriptor.rawValue) == .interruption { throw .canceled }
    let bytes: [UInt8]
    do throws(Errno) {
      guard let message = try socket.receive() else { throw .notConnected }
      bytes = message.bytes
    } catch {
      throw unreachable(error)
    }
    let answer = try JSON.decode(SessionAnswer.self, from: Data(bytes))
    return answer
  }

  private static func connect(_ store: String, _ watch: SilenceWatch) throws(Failure) -> MessageSocket {
    guard
      let socket = try SocketAddress.connect(toDaemonOf: store, SocketAddress.sessionName, SOCK_SEQPACKET, watch)
    else {
      throw Failure(
        .notSupported, "the daemon that runs is older than this command",
        hint: "'tine upgrade' has the daemon of this version take over; what is mounted stays mounted")
    }
    return MessageSocket(socket)
  }

  private static func unreachable(_ error: Errno) -> Failure {
    Failure(
      .unreachable, "the session with the daemon has ended: \(error)",
      hint: "see daemon.log in the store or the runtime directory")
  }
}
