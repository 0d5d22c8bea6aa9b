import Glibc

/// An exclusive lock on a file (flock(2)). It ends when it is released, or with the last copy of its descriptor, which other processes may
/// have.
public final class FileLock: Sendable {
  private let file: FileDescriptor

  /// - Parameter file: an open file that is locked.
  public init(holding file: consuming FileDescriptor) { self.file = file }

  /// Whoever has a copy holds the lock too.
  public var descriptor: Int32 { file.rawValue }

  /// Unlocks the file for all who have a copy.
  public func release() { flock(file.rawValue, LOCK_UN) }
}
