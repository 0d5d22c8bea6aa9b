import Control
import Processes

/// What one attempt came to.
struct AttemptResult: Sendable {
  let attempt: Int
  /// The fork it ran in.
  let name: String
  let ending: Child.Ending
  /// What the score command printed; nil where there is none, or it printed no number.
  let score: Double?
  let seconds: Double
  let changes: ChangeSummary
  /// The last line that it printed.
  let lastLine: String

  /// Whether it ranks before another: by score, then by success, then by time.
  func isBetter(than other: AttemptResult) -> Bool {
    let (own, theirs) = (score ?? -.infinity, other.score ?? -.infinity)
    if own != theirs { return own > theirs }
    let succeeded = ending.code == 0
    if succeeded != (other.ending.code == 0) { return succeeded }
    if seconds != other.seconds { return seconds < other.seconds }
    return attempt < other.attempt
  }
}

/// The place of an attempt among all, as 'tine sample --json' writes it.
struct RankedAttempt: Encodable {
  let name: String
  let rank: Int
  let attempt: Int
  let exitCode: Int32
  let score: Double?
  let seconds: Double
  let files: Int
  let bytes: UInt64
  let kept: Bool
  /// The last line that it printed.
  let lastLine: String

  init(_ result: AttemptResult, rank: Int, kept: Bool) {
    name = result.name
    self.rank = rank
    attempt = result.attempt
    exitCode = result.ending.code
    score = result.score
    seconds = (result.seconds * 1000).rounded() / 1000
    files = result.changes.files
    bytes = result.changes.bytes
    self.kept = kept
    lastLine = result.lastLine
  }
}
