import FileSystem
import Ledger
import SystemIO
import TestSupport
import Testing

@testable import Store

/// Disks that fail or fill up at any call: what was acknowledged stays, an error changes nothing, and a crash afterwards leaves one prefix.
///
/// `TINE_SIMULATION_FAULTS`: how many workloads meet a fault (150).
@Suite struct FaultTests {
  /// A full disk, at any call and for a while: once there is space, everything goes on without a restart.
  @Test func aFullDiskLosesNothingAndGoesOn() {
    Self.tryOut { random in
      let (steps, first) = (Self.steps(&random), Int.random(in: 0..<80, using: &random))
      let length = Int.random(in: 1...20, using: &random)
      return (steps, { $0.grows && first..<first + length ~= $1 ? .noSpace : nil }, endsStore: false)
    }
  }

  /// A call that fails once, or from then on. A failed flush stops the store, for nobody knows what it left.
  @Test func aFailingDiskLosesNothingThatWasAcknowledged() {
    Self.tryOut { random in
      let (steps, first) = (Self.steps(&random), Int.random(in: 0..<80, using: &random))
      let last = random.oneIn(2) ? first : Int.max
      return (steps, { _, number in first...last ~= number ? .inputOutput : nil }, endsStore: true)
    }
  }

  /// A store that can't be closed for its disk is a crash, which is tried out anyway.
  private static func steps(_ random: inout SeededRandom) -> [Step] {
    Step.random(count: 5...25, &random).filter { $0 != .reopen }
  }

  private typealias Plan = (steps: [Step], fault: @Sendable (Effect, Int) -> Errno?, endsStore: Bool)

  private static func tryOut(_ plan: (inout SeededRandom) -> Plan) {
    var failures = 0
    for seed in 1...UInt64(CrashTests.number("TINE_SIMULATION_FAULTS", 150)) {
      var random = SeededRandom(seed: seed)
      let plan = plan(&random)
      do { failures += try run(plan, seed) } catch { Issue.record("seed \(seed): \(error), in \(plan.steps)") }
    }
    #expect(failures > 10, "the faults met \(failures) steps")
  }

  /// Returns how many steps failed.
  private static func run(_ plan: Plan, _ seed: UInt64) throws -> Int {
    var workload = try Workload()
    let start = workload.disk.attempts
    workload.disk.fail { plan.fault($0, $1 - start) }
    var failures = 0
    for step in plan.steps where failures == 0 {
      if try !workload.attempt(step) { failures += 1 }
    }
    workload.disk.fail(nil)
    if !plan.endsStore {
      for step in FileStep.allCases { try workload.run(.file(step, fork: 0)) }
      for step in [.fork(0), .flush(fork: 0), .checkpoint, .collect] as [Step] { try workload.run(step) }
    }
    let recording = workload.finished()
    var images = CrashImages(recording.start)
    for effect in recording.effects { images.apply(effect) }
    for survival in [.everything, .nothing] + (0..<6).map({ Survival.some(seed: seed &* 64 &+ $0) }) {
      try recording.verify(images.image(survival), after: .init(effects: recording.effects.count, survival: survival))
    }
    return failures
  }
}

extension Effect {
  /// Whether it needs space on the disk.
  fileprivate var grows: Bool {
    switch self {
    case .create, .write, .resize, .makeDirectory: true
    default: false
    }
  }
}
