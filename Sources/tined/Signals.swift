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
      if let signal = wait(-1, -1) { return signal }
    }
  }

  /// The same for `milliseconds` at most; nil where none comes.
  func next(atMost milliseconds: Int32) -> Int32? { wait(milliseconds, -1) }

  /// The same, or until a descriptor can be read from; then nil.
  func next(orReadable other: Int32, atMost milliseconds: Int32) -> Int32? { wait(milliseconds, other) }

  private func wait(_ milliseconds: Int32, _ other: Int32) -> Int32? {
    var events = [
      pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0), pollfd(fd: other, events: Int16(POLLIN), revents: 0),
    ]
    _ = poll(&events, 2, milliseconds)
    var fromTerminal = false
    let signal = linux_take_interruption(descriptor, &fromTerminal)
    return signal > 0 ? signal : nil
  }
}
