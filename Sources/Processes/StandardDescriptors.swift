import Glibc
public import SystemIO

/// The descriptors 0, 1 and 2.
public enum StandardDescriptors {
  /// Gives those that this process was started without to something that cannot be read or written, as they were. Otherwise the next file that
  /// is opened gets such a number, and takes what is meant for a person.
  public static func occupy() throws(Errno) {
    for descriptor in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] where fcntl(descriptor, F_GETFD) < 0 {
      // The lowest number that is free is this one.
      try retryingInterrupts { open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY) }
    }
  }
}
