import Control
import Processes

/// What one attempt came to.
struct AttemptResult: Sendable {
  let attempt: Int
  /// The fork it ran in.
  let name: String
  let ending: Child.Ending
  /// What the score command came to; nil where there is none.
  let score: Score?
  let seconds: Double
  let changes: ChangeSummary
  /// The last line that it printed.
  let lastLine: BytePath

  /// Whether its fork may be kept: where attempts are scored, it has a score.
  var mayBeKept: Bool { score.map { $0.number != nil } ?? true }

  /// Whether it ranks before another: by score, then by success, then by time. Those without a score come last.
  func isBetter(than other: AttemptResult) -> Bool {
    let (own, theirs) = (score?.number ?? -.infinity, other.score?.number ?? -.infinity)
    if own != theirs { return own > theirs }
    let succeeded = ending.code == 0
    if succeeded != (other.ending.code == 0) { return succeeded }
    if seconds != other.seconds { return seconds < other.seconds }
    return attempt < other.attempt
  }
}

/// The place of an attempt among all, as 'tine sample --json' writes it.
struct RankedAttempt {
  let name: String
  let rank: Int
  let attempt: Int
  let exitCode: Int32
  let score: Double?
  /// Why there is no score, where one was asked for.
  let scoreError: String?
  let seconds: Double
  let files: Int
  let bytes: UInt64
  let kept: Bool
  /// The last line that it printed.
  let lastLine: BytePath

  init(_ result: AttemptResult, rank: Int, kept: Bool) {
    name = result.name
    self.rank = rank
    attempt = result.attempt
    exitCode = result.ending.code
    score = result.score?.number
    scoreError = result.score?.reason
    seconds = (result.seconds * 1000).rounded() / 1000
    files = result.changes.files
    bytes = result.changes.bytes
    self.kept = kept
    lastLine = result.lastLine
  }
}

extension RankedAttempt: Encodable {
  private enum CodingKeys: String, CodingKey {
    case name, rank, attempt, exitCode, score, scoreError, seconds, files, bytes, kept, lastLine, lastLineBytes
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(name, forKey: .name)
    try container.encode(rank, forKey: .rank)
    try container.encode(attempt, forKey: .attempt)
    try container.encode(exitCode, forKey: .exitCode)
    try container.encodeIfPresent(score, forKey: .score)
    try container.encodeIfPresent(scoreError, forKey: .scoreError)
    try container.encode(seconds, forKey: .seconds)
    try container.encode(files, forKey: .files)
    try container.encode(bytes, forKey: .bytes)
    try container.encode(kept, forKey: .kept)
    try container.encode(lastLine, forKey: .lastLine, bytesKey: .lastLineBytes)
  }
}
