import Glibc
import Synchronization
import SystemIO

/// One connection to the daemon.
final class Connection: ByteSource, Sendable {
  private let socket: FileDescriptor
  private let silence: Mutex<SilenceWatch>
  /// How long the daemon may take to confirm that it stopped.
  private static let confirmation = Duration.seconds(30)

  /// Connects to the daemon of a store; nil where none listens.
  init?(toDaemonOf store: String, _ watch: SilenceWatch) throws(Failure) {
    guard let socket = try SocketAddress.connect(toDaemonOf: store, SocketAddress.requestsName, SOCK_STREAM, watch)
    else { return nil }
    var watch = watch
    watch.process = PeerProcess.ofSocket(socket.rawValue)
    silence = Mutex(watch)
    self.socket = socket
  }

  /// From here on an answer may take so long, also where the daemon answers others.
  func limitSilence(to duration: Duration) { silence.withLock { $0.limit = duration } }

  func write(_ bytes: [UInt8]) throws(Failure) {
    var sent = 0
    var watch = silence.withLock { $0.started }
    while sent < bytes.count {
      do {
        sent += try retryingInterrupts {
          bytes.withUnsafeBytes { send(socket.rawValue, $0.baseAddress! + sent, $0.count - sent, Int32(MSG_NOSIGNAL)) }
        }
      } catch .wouldBlock {
        if try watch.wait(for: socket.rawValue, Int16(POLLOUT)) == .interruption { throw .canceled }
      } catch {
        throw Failure(.unreachable, "the daemon closed the connection: \(error)")
      }
    }
  }

  /// Waits until there is something to read. An interruption cancels the request, and what comes then is read still.
  func read(into buffer: UnsafeMutableRawBufferPointer) throws(Failure) -> Int {
    var watch = silence.withLock { $0.started }
    while true {
      do {
        return try retryingInterrupts { recv(socket.rawValue, buffer.baseAddress, buffer.count, 0) }
      } catch .connectionReset {
        return 0
      } catch .wouldBlock {
        guard try watch.wait(for: socket.rawValue) == .interruption else { continue }
        cancel()
        watch.confirm(within: Self.confirmation)
      } catch {
        throw Failure(.unreachable, "the daemon does not answer: \(error)")
      }
    }
  }

  /// Tells the daemon that nobody wants the answer any more; it stops, and says so.
  func cancel() { shutdown(socket.rawValue, Int32(SHUT_WR)) }
}

extension Errno {
  fileprivate static let connectionReset = Errno(rawValue: ECONNRESET)
}
