import Glibc

/// An exclusive lock on a file (flock(2)). It ends with the last reference; where the process dies, with the last copy of its
/// descriptor that other processes have.
public final class FileLock: Sendable {
  private let file: FileDescriptor

  /// - Parameter file: an open file that is locked.
  public init(holding file: consuming FileDescriptor) { self.file = file }

  /// Whoever has a copy holds the lock too.
  public var descriptor: Int32 { file.rawValue }

  deinit { flock(file.rawValue, LOCK_UN) }
}
