import Control
import FoundationEssentials
import Glibc
import SystemIO

/// The one place that writes to standard output and standard error.
enum Console {
  /// Whether standard output and standard error are terminals.
  static let outputIsTerminal = isatty(STDOUT_FILENO) == 1
  static let errorIsTerminal = isatty(STDERR_FILENO) == 1

  /// Writes a line to standard output.
  static func print(_ line: String) throws(Failure) { try print(Array(line.utf8)) }

  /// Writes bytes, such as lines of a file, and a line end to standard output.
  static func print(_ line: [UInt8]) throws(Failure) {
    do throws(Errno) { try write(line + [UInt8(ascii: "\n")], to: STDOUT_FILENO) } catch {
      throw Failure(output: error)
    }
  }

  /// Writes a value as JSON to standard output.
  static func print(json value: some Encodable) throws { try print([UInt8](try JSON.encodeForReading(value))) }

  /// Tells the file behind standard output that nothing follows: some file systems report only then what they could not keep.
  static func endOutput() throws(Failure) {
    guard close(STDOUT_FILENO) != 0, Errno.last != .interrupted else { return }
    throw Failure(output: .last)
  }

  /// Writes a line to standard error. Where that is gone, there is nobody to tell.
  static func note(_ line: String) { draw(line + "\n") }

  /// Writes to standard error without a line end, as a progress bar does.
  static func draw(_ text: String) {
    do throws(Errno) { try write(Array(text.utf8), to: STDERR_FILENO) } catch {}
  }

  /// Reports a failure as `error: …` and `hint: …`. Its words may come from a daemon, and hold names.
  static func report(_ failure: Failure) {
    let style = Style(enabled: errorIsTerminal)
    note(style.red("error:") + " " + Quoting.harmless(failure.message))
    if let hint = failure.hint { note(style.bold("hint:") + " " + Quoting.harmless(hint)) }
  }

  /// Reports a command line that cannot be understood: ArgumentParser's message in the form of all others.
  static func report(usage message: String) {
    let prefix = "Error: "
    let style = Style(enabled: errorIsTerminal)
    let message = Quoting.harmless(message, keepingLines: true)
    note(message.hasPrefix(prefix) ? style.red("error:") + " " + message.dropFirst(prefix.count) : message)
  }

  private static func write(_ bytes: [UInt8], to descriptor: Int32) throws(Errno) {
    var written = 0
    while written < bytes.count {
      written += try retryingInterrupts {
        bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress! + written, $0.count - written) }
      }
    }
  }
}

extension Failure {
  /// A reader that went away: the program ends quietly, as SIGPIPE would have it.
  static let readerIsGone = Failure(.failed, "nobody reads the output")

  /// Standard output does not take what was written.
  fileprivate init(output error: Errno) {
    self =
      error == Errno(rawValue: EPIPE)
      ? .readerIsGone
      : Failure(.failed, "cannot write the output: \(error)", hint: "what the command changed stays changed")
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
