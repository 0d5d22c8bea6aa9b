import CLinux
import Control
import FoundationEssentials
import Glibc
import Logging
import Processes
import SystemIO

/// Serves the sessions of clients on a socket in the store, with one thread: what they ask for takes no time.
final class SessionServer: Sendable {
  private let listener: FileDescriptor
  private let sessions: SessionTable
  private let log: Logger
  /// How many there may be at a time, so that descriptors are left for mounts.
  private let most: Int
  /// How long a session that holds no leases must have been idle to be closed in favour of another client.
  private static let longestIdle = Duration.milliseconds(500)
  /// How often it is looked for one while there is no room, in milliseconds.
  private static let pause: Int32 = 100
  /// How long a client may take to receive an answer, in seconds.
  private static let patience = 1

  /// Begins to listen.
  ///
  /// - Parameter path: where the socket is made, short enough for a socket. Whatever is there is nobody's any more.
  init(at path: String, sessions: SessionTable, log: Logger) throws(Errno) {
    self.sessions = sessions
    self.log = log
    most = min(256, OpenFileLimit.current / 8)
    try SmallFile(path).remove()
    listener = FileDescriptor(
      owning: try retryingInterrupts { socket(AF_UNIX, Int32(SOCK_SEQPACKET.rawValue) | O_CLOEXEC | O_NONBLOCK, 0) })
    try retryingInterrupts { SocketAddress.withAddress(of: path) { bind(listener.rawValue, $0, $1) } }
    chmod(path, 0o600)
    try retryingInterrupts { listen(listener.rawValue, 128) }
  }

  /// Serves until the process ends.
  func start() throws(Errno) {
    try Worker { [self] in
      linux_name_thread("sessions")
      while true { serve() }
    }.detach()
  }

  /// Waits for the next thing to do, and does it.
  private func serve() {
    let open = sessions.all
    let isFull = open.count >= most
    var events = [pollfd(fd: isFull ? -1 : listener.rawValue, events: Int16(POLLIN), revents: 0)]
    events += open.map { pollfd(fd: $0.socket.descriptor.rawValue, events: Int16(POLLIN), revents: 0) }
    while poll(&events, nfds_t(events.count), isFull ? Self.pause : -1) < 0 && errno == EINTR {}
    for (session, event) in zip(open, events.dropFirst()) where event.revents != 0 { serve(session) }
    if isFull { makeRoom() }
    if events[0].revents != 0 { accept() }
  }

  /// Closes sessions that hold no leases and have been idle for long: those that have been for longest, a quarter of all at most.
  private func makeRoom() {
    let idle = sessions.all.compactMap { session in session.idleSince.map { (session, since: $0) } }
    let longest = idle.filter { .now - $0.since > Self.longestIdle }.sorted { $0.since < $1.since }
    for (session, _) in longest.prefix(max(1, most / 4)) { sessions.close(session) }
  }

  private func accept() {
    let connection = linux_accept(listener.rawValue)
    guard connection >= 0 else {
      if Errno.last == .wouldBlock { return }
      // There is no descriptor for it. Another client may leave one, and it is looked again after a while.
      makeRoom()
      usleep(useconds_t(Self.pause) * 1000)
      return
    }
    let socket = MessageSocket(FileDescriptor(owning: connection))
    do throws(Errno) { try socket.limitSending(seconds: Self.patience) } catch { return }
    let session = sessions.open(socket)
    answer(session, SessionAnswer(token: session.token))
  }

  private func serve(_ session: Session) {
    do throws(Errno) {
      guard var message = try session.socket.receive() else { return sessions.close(session) }
      session.touch()
      let descriptor = message.descriptor.take()
      let bytes = message.bytes
      do throws(Failure) {
        try carryOut(JSON.decode(SessionRequest.self, from: Data(bytes)), descriptor, session)
        answer(session, SessionAnswer())
      } catch {
        answer(session, SessionAnswer(error: error))
      }
    } catch .tooManyOpenFiles {
      answer(session, SessionAnswer(error: Failure(.failed, "the daemon has too many files open", hint: "try again")))
    } catch {
      if [.noMemory, .noBuffers, .wouldBlock].contains(error) { return }
      // A message that is too long is lost, and its client with it.
      log.info("a client's session is ended: \(error)")
      sessions.close(session)
    }
  }

  private func carryOut(
    _ request: SessionRequest, _ descriptor: consuming FileDescriptor?, _ session: Session
  ) throws(Failure) {
    if let number = request.descriptor {
      guard let descriptor else { throw Failure(.badRequest, "no descriptor came along") }
      try session.pass(descriptor, as: number)
    } else if let name = request.keep {
      try sessions.keep(name, of: session)
    } else {
      throw Failure(.badRequest, "the message asks for nothing")
    }
  }

  private func answer(_ session: Session, _ answer: SessionAnswer) {
    do {
      try session.socket.send([UInt8](try JSON.encode(answer)))
    } catch {
      sessions.close(session)
    }
  }
}
