import Ledger
import TestSupport
import Testing

/// The simulator finds mistakes: each of these, within a few workloads. One that it did not find would say that it does not look.
@Suite struct SabotageTests {
  private static let patience: UInt64 = 60

  @Test(arguments: Sabotage.allCases.filter { $0 != .trustsBlocks })
  func aSabotagedStoreIsFound(sabotage: Sabotage) {
    #expect(Self.isFound { $0.sabotage = sabotage })
  }

  @Test(arguments: RecordingDisk.Omission.allCases)
  func aForgottenFlushIsFound(omission: RecordingDisk.Omission) {
    #expect(Self.isFound { $0.omission = omission })
  }

  private static func isFound(_ spoil: (inout Exploration) -> Void) -> Bool {
    for seed in 1...patience {
      var random = SeededRandom(seed: seed)
      var exploration = Exploration(survivals: 2, seed: seed)
      spoil(&exploration)
      do throws(Failure) { try exploration.explore(Step.random(count: 10...40, &random)) } catch { return true }
    }
    return false
  }
}
