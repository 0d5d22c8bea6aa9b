import TestSupport

/// One thing that a workload does. Everything it needs is in it, so that a workload can be written down, replayed and cut shorter.
enum Step: Hashable, Sendable {
  /// One operation on a fork's files.
  case file(FileStep, fork: Int)
  /// Random operations on a fork's files.
  case random(seed: UInt64, count: Int, fork: Int)
  case flush(fork: Int)
  case fork(Int)
  case snapshot(fork: Int)
  /// Drops a fork or snapshot, where it is not the last fork.
  case drop(Int)
  case checkpoint
  case collect
  /// Closes the store and opens it again.
  case reopen

  /// The smallest steps, from which all short workloads are made.
  static let alphabet: [Step] =
    FileStep.allCases.map { .file($0, fork: 0) } + [
      .flush(fork: 0), .fork(0), .snapshot(fork: 0), .drop(0), .file(.overwrite, fork: 1), .checkpoint, .collect,
    ]

  static func random(count: ClosedRange<Int>, _ random: inout SeededRandom) -> [Step] {
    (0..<Int.random(in: count, using: &random)).map { _ in Step.random(&random) }
  }

  /// A step of a random workload.
  private static func random(_ random: inout SeededRandom) -> Step {
    let fork = Int.random(in: 0..<4, using: &random)
    switch Int.random(in: 0..<24, using: &random) {
    case 0..<11: return .random(seed: random.next(), count: Int.random(in: 1...4, using: &random), fork: fork)
    case 11..<14: return .flush(fork: fork)
    case 14..<16: return .fork(fork)
    case 16: return .snapshot(fork: fork)
    case 17..<19: return .drop(fork)
    case 19..<21: return .checkpoint
    case 21..<23: return .collect
    default: return .reopen
    }
  }
}

/// Operations on a few files that every workload begins with.
enum FileStep: CaseIterable, Hashable, Sendable {
  case create, makeDirectory, link, unlink, replace, exchange
  case write, overwrite, duplicate, truncate, punch, setLongAttribute
}
