import Control
import Glibc
import Processes
import SystemIO

/// What the score command of one attempt came to.
enum Score: Sendable, Equatable {
  case number(Double)
  /// There is none, and why.
  case missing(String)

  /// - Parameters:
  ///   - line: the last line that the command printed.
  ///   - complaint: the last line that it printed to standard error.
  init(_ ending: Child.Ending, line: LastLine, complaint: LastLine) {
    let reason = complaint.bytes.isEmpty ? "" : ": " + Quoting.harmless(String(carrying: complaint.bytes))
    switch ending {
    case .killed(let signal):
      self = .missing(
        "the score command was killed by signal \(signal) (\(String(cString: strsignal(signal))))" + reason)
    case .exited(let code) where code != 0: self = .missing("the score command exited with \(code)" + reason)
    case .exited: self = Self.read(line)
    }
  }

  private static func read(_ line: LastLine) -> Score {
    if line.bytes.isEmpty { return .missing("the score command printed nothing") }
    if !line.isWhole { return .missing("the last line of the score command is too long") }
    let word = String(decoding: line.bytes, as: UTF8.self).split(whereSeparator: \.isWhitespace).first ?? ""
    guard let number = Double(word) else {
      return .missing("the last line of the score command is no number: " + Quoting.quoted(line.bytes))
    }
    return number.isFinite ? .number(number) : .missing("the score is not finite: \(number)")
  }

  var number: Double? {
    if case .number(let number) = self { number } else { nil }
  }

  /// Why there is no number.
  var reason: String? {
    if case .missing(let reason) = self { reason } else { nil }
  }
}
