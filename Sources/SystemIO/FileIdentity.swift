import CLinux
import Glibc

/// What a file is, whatever path leads to it.
public struct FileIdentity: Hashable, Sendable {
  public let device: UInt64
  public let inode: UInt64

  public init(of file: borrowing FileDescriptor) throws(Errno) {
    var status = stat()
    try retryingInterrupts { fstat(file.rawValue, &status) }
    device = UInt64(status.st_dev)
    inode = UInt64(status.st_ino)
  }

  /// A directory, the one above it, and so on to the root directory of this process.
  public static func ancestry(of directory: borrowing FileDescriptor) throws(Errno) -> [FileIdentity] {
    var ancestry = [try FileIdentity(of: directory)]
    var next = try FileDescriptor(naming: "..", in: directory.rawValue)
    while true {
      let identity = try FileIdentity(of: next)
      if identity == ancestry.last { return ancestry }
      ancestry.append(identity)
      next = try FileDescriptor(naming: "..", in: next.rawValue)
    }
  }
}
