import Control
import FoundationEssentials
import Glibc

/// The one place that writes to standard output and standard error.
enum Console {
  /// Whether standard output and standard error are terminals.
  static let outputIsTerminal = isatty(STDOUT_FILENO) == 1
  static let errorIsTerminal = isatty(STDERR_FILENO) == 1

  /// Writes a line to standard output.
  static func print(_ line: String) { write(Array((line + "\n").utf8), to: STDOUT_FILENO) }

  /// Writes bytes to standard output, such as a path that is not text, and a line end.
  static func print(_ line: [UInt8]) { write(line + [UInt8(ascii: "\n")], to: STDOUT_FILENO) }

  /// Writes bytes to standard output without a line end.
  static func printPiece(_ bytes: [UInt8]) { write(bytes, to: STDOUT_FILENO) }

  /// Writes a value as JSON to standard output.
  static func print(json value: some Encodable) throws {
    write([UInt8](try JSON.encodeForReading(value)) + [UInt8(ascii: "\n")], to: STDOUT_FILENO)
  }

  /// Writes a line to standard error.
  static func note(_ line: String) { write(Array((line + "\n").utf8), to: STDERR_FILENO) }

  /// Writes to standard error without a line end, as a progress bar does.
  static func draw(_ text: String) { write(Array(text.utf8), to: STDERR_FILENO) }

  /// Reports a failure as `error: …` and `hint: …`.
  static func report(_ failure: Failure) {
    let style = Style(enabled: errorIsTerminal)
    note(style.red("error:") + " " + failure.message)
    if let hint = failure.hint { note(style.bold("hint:") + " " + hint) }
  }

  /// Reports a command line that cannot be understood: ArgumentParser's message in the form of all others.
  static func report(usage message: String) {
    let prefix = "Error: "
    let style = Style(enabled: errorIsTerminal)
    note(message.hasPrefix(prefix) ? style.red("error:") + " " + message.dropFirst(prefix.count) : message)
  }

  /// A reader that went away ends the program quietly, as SIGPIPE would have.
  private static func write(_ bytes: [UInt8], to descriptor: Int32) {
    var written = 0
    while written < bytes.count {
      let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress! + written, $0.count - written) }
      if count >= 0 {
        written += count
      } else if errno == EPIPE, descriptor == STDOUT_FILENO {
        Glibc.exit(128 + SIGPIPE)
      } else if errno != EINTR {
        return
      }
    }
  }
}

/// Colours and weights of a terminal; nothing where they are not wanted.
struct Style {
  let enabled: Bool

  /// Follows the NO_COLOR convention.
  init(enabled: Bool) {
    self.enabled = enabled && getenv("NO_COLOR") == nil && getenv("TERM").map { strcmp($0, "dumb") } != 0
  }

  func bold(_ text: String) -> String { wrap(text, "1") }
  func faint(_ text: String) -> String { wrap(text, "2") }
  func red(_ text: String) -> String { wrap(text, "1;31") }
  func green(_ text: String) -> String { wrap(text, "32") }
  func yellow(_ text: String) -> String { wrap(text, "33") }

  private func wrap(_ text: String, _ code: String) -> String { enabled ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text }
}

extension Console {
  /// Does what must be done on the way out; where that fails, says so and goes on.
  static func reportFailure(_ body: () throws(Failure) -> Void) {
    do throws(Failure) { try body() } catch { report(error) }
  }
}
