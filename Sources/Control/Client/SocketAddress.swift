import Glibc
public import SystemIO

/// The address of the daemon's socket in a store.
///
/// A Unix socket's path may have 107 bytes only, and a store can lie deeper than that. So the path goes through the
/// descriptor of the store's directory, which makes it short.
public struct SocketAddress: ~Copyable {
  private let directory: FileDescriptor

  public init(store: String) throws(Errno) {
    directory = try FileDescriptor(opening: store, flags: O_RDONLY | O_DIRECTORY)
  }

  /// A short path to the socket, good as long as this value lives.
  public var path: String { "/proc/self/fd/\(directory.rawValue)/\(Self.name)" }

  /// The same path, good as long as this process lives: a server needs it to the end.
  public consuming func keep() -> String {
    let path = path
    _ = directory.release()
    return path
  }

  /// The socket's file name in the store.
  public static var name: String { "socket" }

  /// Calls `body` with the address as the kernel wants it.
  borrowing func withAddress<Value>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Value) -> Value {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    return withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
  }
}
