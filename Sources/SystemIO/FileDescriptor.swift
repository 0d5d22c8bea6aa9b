public import Glibc

/// An open descriptor, closed when its owner goes.
public struct FileDescriptor: ~Copyable, Sendable {
  public let rawValue: Int32

  /// Takes over an open descriptor.
  public init(owning rawValue: Int32) {
    precondition(rawValue >= 0, "a descriptor is not negative")
    self.rawValue = rawValue
  }

  /// Opens a path as open(2) does, always with O_CLOEXEC.
  public init(opening path: String, flags: Int32, permissions: mode_t = 0) throws(Errno) {
    self.rawValue = try retryingInterrupts { Glibc.open(path, flags | O_CLOEXEC, permissions) }
  }

  /// Opens a path that begins at a directory, as openat(2) does, always with O_CLOEXEC.
  public init(
    opening path: String, in directory: borrowing FileDescriptor, flags: Int32, permissions: mode_t = 0
  ) throws(Errno) {
    let directory = directory.rawValue
    self.rawValue = try retryingInterrupts { Glibc.openat(directory, path, flags | O_CLOEXEC, permissions) }
  }

  deinit { Glibc.close(rawValue) }

  /// Gives the descriptor away without closing it.
  public consuming func release() -> Int32 {
    let raw = rawValue
    discard self
    return raw
  }
}
