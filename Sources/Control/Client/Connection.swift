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
  init?(to address: borrowing SocketAddress, _ watch: SilenceWatch) throws(Failure) {
    var watch = watch.started
    do throws(Errno) {
      let flags = Int32(SOCK_STREAM.rawValue) | O_CLOEXEC | O_NONBLOCK
      socket = FileDescriptor(owning: try retryingInterrupts { Glibc.socket(AF_UNIX, flags, 0) })
    } catch {
      throw Failure(.failed, "cannot make a socket: \(error)")
    }
    let descriptor = socket.rawValue
    while true {
      do throws(Errno) {
        try retryingInterrupts { address.withAddress { connect(descriptor, $0, $1) } }
        break
      } catch {
        switch error {
        case .noSuchFile, .connectionRefused, .tooManyLevels, .wrongSocketType: return nil
        // The queue is full: so many wait that it may not be taken from at all.
        case .wouldBlock: if try watch.wait(for: nil) == .interruption { throw .canceled }
        default: throw Failure(.unreachable, "cannot reach the daemon of this store: \(error)")
        }
      }
    }
    watch.process = PeerProcess.ofSocket(descriptor)
    silence = Mutex(watch)
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
  fileprivate static let connectionRefused = Errno(rawValue: ECONNREFUSED)
  fileprivate static let connectionReset = Errno(rawValue: ECONNRESET)
  fileprivate static let tooManyLevels = Errno(rawValue: ELOOP)
  fileprivate static let wrongSocketType = Errno(rawValue: EPROTOTYPE)
}
