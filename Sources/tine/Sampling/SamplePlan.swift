import Control

/// What to try, and how often.
struct SamplePlan: Sendable {
  /// The fork or snapshot that every attempt starts from.
  let origin: String
  /// Forks are named after it and the attempt's number.
  let name: String
  let attempts: Int
  let jobs: Int
  let shownAt: BytePath?
  /// The command of each attempt.
  let arguments: [[UInt8]]
  /// A shell command that prints an attempt's score.
  let score: [UInt8]?
  let keepBest: Int
  /// The directory that takes what each attempt prints.
  let logs: String?
}
