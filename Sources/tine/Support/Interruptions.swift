import CLinux
import Control
import Glibc
import SystemIO

/// Ctrl-C and its kind (SIGINT, SIGTERM, SIGHUP), held back so that a command can stop in order.
///
/// They stay pending until they are taken, so asking is a poll of one descriptor, from any thread.
final class Interruptions: Sendable {
  /// Readable while a signal is pending.
  let descriptor: Int32

  /// From here on the signals do not end this process by themselves.
  init() throws(Failure) {
    descriptor = linux_catch_interruptions()
    // What a terminal sends reaches the command that runs; here it would only end what puts things in order.
    signal(SIGQUIT, SIG_IGN)
    if descriptor < 0 { throw Failure(.failed, "cannot catch signals: \(Errno.last)") }
  }

  deinit { close(descriptor) }

  /// Whether the person wants the command to end.
  var arePending: Bool { wait(atMost: 0) }

  /// Waits for a signal, `milliseconds` at most, and tells whether there is one.
  @discardableResult
  func wait(atMost milliseconds: Int32) -> Bool {
    var event = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    return poll(&event, 1, milliseconds) > 0
  }

  /// Takes the pending signal, so that the next can be seen; nil where there is none. A signal that the terminal sent
  /// has reached the children that share this process's group as well.
  func take() -> (signal: Int32, fromTerminal: Bool)? {
    var fromTerminal = false
    let signal = linux_take_interruption(descriptor, &fromTerminal)
    return signal > 0 ? (signal, fromTerminal) : nil
  }

  /// Ends the present work where a signal is pending.
  func check() throws(Failure) {
    if arePending { throw .interrupted }
  }
}

extension Failure {
  static let interrupted = Failure(.canceled, "interrupted")
}

/// Runs a long operation with a progress bar, and stops it at Ctrl-C.
func withProgress<Answer>(
  _ interruptions: Interruptions, _ body: (@escaping ProgressHandler) throws(Failure) -> Answer
) throws(Failure) -> Answer {
  let bar = ProgressBar()
  defer { bar.clear() }
  do throws(Failure) {
    return try body { progress in
      bar.show(progress)
      return !interruptions.arePending
    }
  } catch {
    throw error.kind == .canceled && interruptions.arePending ? .interrupted : error
  }
}
