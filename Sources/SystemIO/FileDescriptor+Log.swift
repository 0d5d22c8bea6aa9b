import Glibc

extension FileDescriptor {
  /// Opens a log that is appended to, and makes it where there is none.
  ///
  /// - Throws: `invalidArgument` where something else has its name. A symbolic link is not followed, and a FIFO not waited for.
  public init(log path: String) throws(Errno) {
    let flags = O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY
    let file = try FileDescriptor(opening: path, flags: flags, permissions: 0o600)
    guard try file.isRegularFile() else { throw .invalidArgument }
    self = file
  }
}
