import Foundation
import TestSupport
import Testing

/// Whatever a crash leaves is one prefix of what was done, the same for all forks and snapshots, with every acknowledged flush in it.
///
/// `TINE_SIMULATION_LENGTH`: the length of the workloads that are tried out, all of them (2). `TINE_SIMULATION_SEEDS`: how many random
/// workloads (20), from `TINE_SIMULATION_SEED` (1) on.
@Suite struct CrashTests {
  static func number(_ name: String, _ otherwise: Int) -> Int {
    ProcessInfo.processInfo.environment[name].flatMap(Int.init) ?? otherwise
  }

  /// Every workload of a few steps, with a crash at every effect.
  @Test(arguments: Step.alphabet)
  func shortWorkloadsSurviveACrashAtEveryEffect(first: Step) {
    var exploration = Exploration()
    let failure = Self.exploreAll(beginningWith: [first], Self.number("TINE_SIMULATION_LENGTH", 2), &exploration)
    if let failure { Issue.record("\(failure)") }
    print("\(first): \(exploration.crashPoints) crash points")
  }

  private static func exploreAll(
    beginningWith steps: [Step], _ length: Int, _ exploration: inout Exploration
  ) -> Failure? {
    if steps.count == length {
      do throws(Failure) { try exploration.explore(steps) } catch { return error }
      return nil
    }
    for step in Step.alphabet {
      if let failure = exploreAll(beginningWith: steps + [step], length, &exploration) { return failure }
    }
    return nil
  }

  @Test func randomWorkloadsSurviveACrashAtEveryEffect() {
    let first = Self.number("TINE_SIMULATION_SEED", 1)
    var crashPoints = 0
    for seed in first..<first + Self.number("TINE_SIMULATION_SEEDS", 20) {
      var random = SeededRandom(seed: UInt64(seed))
      let steps = Step.random(count: 10...40, &random)
      var exploration = Exploration(survivals: 2, seed: UInt64(seed))
      do throws(Failure) { try exploration.explore(steps) } catch {
        let shortest = Exploration.shrink(error) { (steps) throws(Failure) in
          var exploration = Exploration(survivals: 2, seed: UInt64(seed))
          try exploration.explore(steps)
        }
        Issue.record("seed \(seed): \(shortest)")
      }
      crashPoints += exploration.crashPoints
    }
    print("random workloads: \(crashPoints) crash points")
  }
}
