public import CPosix
import Glibc
public import SystemIO

/// A file that is open, until its last owner goes.
public final class OpenFile: Sendable {
  private let owned: FileDescriptor
  public var descriptor: Int32 { owned.rawValue }

  init(_ descriptor: Int32) { owned = FileDescriptor(owning: descriptor) }

  /// This thread's path of the file, through which even a file without a name can be reached.
  public var path: Path { "/proc/thread-self/fd/\(descriptor)" }
}

/// Flags of open(2) beside those that Glibc shows.
public enum OpenFlag {
  public static let direct = posix_O_DIRECT
  public static let noAccessTime = posix_O_NOATIME
  public static let path = posix_O_PATH
  public static let temporary = posix_O_TMPFILE
}

extension Path {
  /// open(2), with O_CLOEXEC.
  public func open(_ flags: Int32, mode: mode_t = 0o644) throws(Errno) -> OpenFile {
    OpenFile(try retryingInterrupts { withCString { Glibc.open($0, flags | O_CLOEXEC, mode) } })
  }

  /// open(2) of a new or an existing file for reading and writing.
  public func create(_ flags: Int32 = 0, mode: mode_t = 0o644) throws(Errno) -> OpenFile {
    try open(O_RDWR | O_CREAT | flags, mode: mode)
  }
}

extension OpenFile {
  /// openat(2) of a path below this directory.
  public func open(_ path: Path, _ flags: Int32, mode: mode_t = 0o644) throws(Errno) -> OpenFile {
    OpenFile(try retryingInterrupts { path.withCString { openat(descriptor, $0, flags | O_CLOEXEC, mode) } })
  }
}
