import Glibc
import SystemIO

/// One connection to the daemon.
final class Connection: ByteSource, Sendable {
  private let socket: Int32
  /// Becomes readable when the person wants the request to end.
  private let interruption: Int32?
  /// How long the daemon may take to confirm that it stopped.
  private static let patience: Int32 = 30_000

  /// Connects to the daemon of a store; nil where none listens.
  init?(to address: borrowing SocketAddress, interruption: Int32?) throws(Failure) {
    let socket = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC, 0)
    guard socket >= 0 else { throw Failure(.failed, "cannot make a socket: \(Errno.last)") }
    do {
      try retryingInterrupts { address.withAddress { connect(socket, $0, $1) } }
    } catch {
      close(socket)
      switch error {
      case .noSuchFile, .connectionRefused: return nil
      default: throw Failure(.unreachable, "cannot reach the daemon of this store: \(error)")
      }
    }
    self.socket = socket
    self.interruption = interruption
  }

  deinit { close(socket) }

  func write(_ bytes: [UInt8]) throws(Failure) {
    var sent = 0
    while sent < bytes.count {
      do {
        sent += try retryingInterrupts {
          bytes.withUnsafeBytes { send(socket, $0.baseAddress! + sent, $0.count - sent, Int32(MSG_NOSIGNAL)) }
        }
      } catch {
        throw Failure(.unreachable, "the daemon closed the connection: \(error)")
      }
    }
  }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws(Failure) -> Int {
    if let interruption { try wait(for: interruption) }
    do {
      return try retryingInterrupts { recv(socket, buffer.baseAddress, buffer.count, 0) }
    } catch .connectionReset {
      return 0
    } catch {
      throw Failure(.unreachable, "the daemon does not answer: \(error)")
    }
  }

  /// Tells the daemon that nobody wants the answer any more; it stops, and says so.
  func cancel() { shutdown(socket, Int32(SHUT_WR)) }

  /// Waits until there is something to read. An interruption cancels the request, and what comes then is read still.
  private func wait(for interruption: Int32) throws(Failure) {
    var events = [
      pollfd(fd: socket, events: Int16(POLLIN), revents: 0),
      pollfd(fd: interruption, events: Int16(POLLIN), revents: 0),
    ]
    _ = try? retryingInterrupts { poll(&events, 2, -1) }
    guard events[0].revents == 0, events[1].revents != 0 else { return }
    cancel()
    events[0].revents = 0
    let ready = poll(&events, 1, Self.patience)
    if ready == 0 { throw .canceled }
  }
}

extension Errno {
  fileprivate static let connectionRefused = Errno(rawValue: ECONNREFUSED)
  fileprivate static let connectionReset = Errno(rawValue: ECONNRESET)
}
