import CLinux
import Glibc

extension FileDescriptor {
  /// Opens a path only to name what it leads to (O_PATH): nobody needs the right to read that, and nothing is asked of it.
  ///
  /// - Parameter path: follows symbolic links; begins at the working directory, or at `directory` if it is given, unless absolute.
  public init(naming path: String, in directory: Int32? = nil) throws(Errno) {
    self.init(owning: try retryingInterrupts { linux_open_path(directory ?? AT_FDCWD, path) })
  }
}
