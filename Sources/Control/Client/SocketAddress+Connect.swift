import Glibc
import SystemIO

extension SocketAddress {
  /// Connects to a socket of the daemon of a store; nil if none listens. One that writes to the store comes before one that only reads it.
  static func connect(
    toDaemonOf store: String, _ name: String, _ type: __socket_type, _ watch: SilenceWatch
  ) throws(Failure) -> FileDescriptor? {
    let inStore: SocketAddress
    let runtime: RuntimeDirectory
    do throws(Errno) {
      runtime = try RuntimeDirectory(of: store)
      inStore = try SocketAddress(in: store, name: name)
    } catch {
      if error == .noSuchFile { return nil }
      throw Failure(.unreachable, "cannot open \(store.quoted): \(error)")
    }
    if let socket = try inStore.connect(type, watch) { return socket }
    return try runtime.first { (directory: consuming FileDescriptor) throws(Failure) in
      try SocketAddress(in: directory, name: name).connect(type, watch)
    }
  }

  /// Connects a new socket, which does not block; nil if nobody listens there.
  ///
  /// A daemon with a long queue may not be taking from it at all, so `watch` waits for it.
  borrowing func connect(_ type: __socket_type, _ watch: SilenceWatch) throws(Failure) -> FileDescriptor? {
    var watch = watch.started
    let raw = socket(AF_UNIX, Int32(type.rawValue) | O_CLOEXEC | O_NONBLOCK, 0)
    guard raw >= 0 else { throw Failure(.failed, "cannot make a socket: \(Errno.last)") }
    let socket = FileDescriptor(owning: raw)
    while true {
      do throws(Errno) {
        try retryingInterrupts { withAddress { Glibc.connect(raw, $0, $1) } }
        return socket
      } catch {
        switch error {
        case .noSuchFile, .connectionRefused, .tooManyLevels, .wrongSocketType: return nil
        // Another user's, dead or alive; the lock tells which.
        case .accessDenied: return nil
        case .wouldBlock: if try watch.wait(for: nil) == .interruption { throw .canceled }
        default: throw Failure(.unreachable, "cannot reach the daemon of this store: \(error)")
        }
      }
    }
  }
}

extension Errno {
  fileprivate static let connectionRefused = Errno(rawValue: ECONNREFUSED)
  fileprivate static let tooManyLevels = Errno(rawValue: ELOOP)
  fileprivate static let wrongSocketType = Errno(rawValue: EPROTOTYPE)
}
