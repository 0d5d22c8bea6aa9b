public import Glibc
public import SystemIO

/// The address of a socket of the daemon: in the store, or in the runtime directory if the daemon only reads the store.
///
/// A Unix socket's path may have 107 bytes only, and a store can lie deeper than that. So the path goes through the
/// descriptor of the directory, which makes it short.
public struct SocketAddress: ~Copyable {
  private let directory: FileDescriptor
  private let name: String

  /// - Parameters:
  ///   - directory: where the daemon keeps its sockets.
  ///   - name: the socket's file name.
  public init(in directory: String, name: String) throws(Errno) {
    self.init(in: try FileDescriptor(opening: directory, flags: O_RDONLY | O_DIRECTORY), name: name)
  }

  init(in directory: consuming FileDescriptor, name: String) {
    self.directory = directory
    self.name = name
  }

  /// A short path to the socket, good as long as this value lives.
  public var path: String { "/proc/self/fd/\(directory.rawValue)/\(name)" }

  /// The same path, good as long as this process lives: a server needs it to the end.
  public consuming func keep() -> String {
    let path = path
    _ = directory.release()
    return path
  }

  /// The file name of the socket that takes the requests of the API.
  public static var requestsName: String { "socket" }

  /// The file name of the socket that takes the sessions of clients.
  public static var sessionName: String { "session" }

  /// Calls `body` with the address as the kernel wants it.
  borrowing func withAddress<Value>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Value) -> Value {
    Self.withAddress(of: path, body)
  }

  /// The same for a path that is short enough.
  public static func withAddress<Value>(
    of path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Value
  ) -> Value {
    precondition(path.utf8.count < 108, "the path of a socket is short")
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
