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
  /// The program of each attempt, and its arguments.
  let program: Program
  let arguments: [[UInt8]]
  /// What prints an attempt's score.
  let score: ScoreCommand?
  let keepBest: Int
  /// The directory that takes what each attempt prints.
  let logs: BytePath?
}
