/// An exclusive lock on a file; it ends with the last reference, or with the process.
public final class FileLock: Sendable {
  private let descriptor: FileDescriptor

  init(_ descriptor: consuming FileDescriptor) { self.descriptor = descriptor }
}
