import CLinux
import Glibc
import SystemIO

/// SIGTERM, SIGINT and SIGHUP, which are waited for instead of ending the process.
struct Signals {
  private let descriptor: Int32

  /// From here on they are held back, in this thread and in those that it starts.
  init() throws(Errno) {
    descriptor = linux_catch_interruptions()
    guard descriptor >= 0 else { throw .last }
    signal(SIGPIPE, SIG_IGN)
  }

  /// Waits for the next, and returns its number.
  func next() -> Int32 {
    while true {
      var event = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      _ = poll(&event, 1, -1)
      var fromTerminal = false
      let signal = linux_take_interruption(descriptor, &fromTerminal)
      if signal > 0 { return signal }
    }
  }
}
