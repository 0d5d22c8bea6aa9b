import FileSystem
import Ledger
import SystemIO
import TestSupport
import Testing

@testable import Store

/// Damages stores, repairs them, and crashes the repair.
///
/// `TINE_SIMULATION_REPAIRS`: how many places are damaged in each way (60); `TINE_SIMULATION_SEED`: where they are (1).
@Suite struct RepairTests {
  private static let count = CrashTests.number("TINE_SIMULATION_REPAIRS", 60)
  private static let seed = UInt64(CrashTests.number("TINE_SIMULATION_SEED", 1))

  /// One flipped bit anywhere is found and put right: the store is what it was.
  @Test(arguments: [true, false]) func everyFlippedBitIsRepaired(collecting: Bool) throws {
    let (recording, image) = try DamageTests.makeStore(collecting: collecting)
    var random = SeededRandom(seed: Self.seed)
    var repaired = 0
    for _ in 0..<Self.count * 4 {
      let damage = Damage.bit(in: image, &random)
      let after = try DamagedStore(damage.applied(to: image), recording).repaired(damage)
      #expect(after.report.check.problems.isEmpty, "seed \(Self.seed): \(damage): \(after.report)")
      #expect(after.isWhole, "seed \(Self.seed): \(damage): \(after.report)")
      if !after.report.repairs.isEmpty { repaired += 1 }
    }
    #expect(repaired > Self.count)
  }

  /// The same behind the last checkpoint, where opening the store would refuse it, or take the bit for a torn end and cut off what was flushed.
  @Test func everyFlippedBitBehindTheCheckpointIsRepaired() throws {
    let (recording, image) = try DamageTests.makeStore(closing: false)
    var random = SeededRandom(seed: Self.seed)
    var repaired = 0
    for _ in 0..<Self.count * 4 {
      let damage = Damage.bit(in: image, &random)
      let after = try DamagedStore(damage.applied(to: image), recording).repaired(damage, comparing: false)
      #expect(after.report.check.problems.isEmpty, "seed \(Self.seed): \(damage): \(after.report)")
      #expect(after.isWhole, "seed \(Self.seed): \(damage): \(after.report)")
      if after.report.repairs.contains(where: { $0.contains("record") }) { repaired += 1 }
    }
    #expect(repaired > Self.count / 10)
  }

  /// Whatever is lost, a repair makes nothing worse, says what it did and what is left, and has nothing to do when it is run again.
  @Test(arguments: [true, false]) func aRepairMakesNothingWorse(collecting: Bool) throws {
    let (recording, image) = try DamageTests.makeStore(collecting: collecting)
    var random = SeededRandom(seed: Self.seed)
    var (whole, partly) = (0, 0)
    for index in 0..<Self.count * 2 {
      let damage = index % 2 == 0 ? Damage.sector(in: image, &random) : Damage.noise(in: image, &random)
      let before = DamagedStore(damage.applied(to: image), recording)
      let after = try before.repaired(damage)
      let again = try DamagedStore(after.image, recording).repaired(damage)
      #expect(again.report.repairs == [], "seed \(Self.seed): \(damage): \(after.report), and again \(again.report)")
      #expect(again.report.check.problems.count == after.report.check.problems.count, "seed \(Self.seed): \(damage)")
      if after.report.check.problems.isEmpty, !after.report.repairs.isEmpty { whole += 1 }
      if !after.report.check.problems.isEmpty { partly += 1 }
    }
    print("collecting \(collecting): \(whole) repaired, \(partly) not or in part, of \(Self.count * 2)")
    #expect(whole > 5)
  }

  /// Where the whole ledger is there, any index and any footer or slot directory can be lost.
  @Test func whatTheLedgerTellsIsRebuilt() throws {
    let (recording, image) = try DamageTests.makeStore(collecting: false)
    var random = SeededRandom(seed: Self.seed)
    for path in image.files.keys.sorted() {
      let size = image.files[path]!.count
      let isIndex = path.hasPrefix("index/")
      guard isIndex || path.hasPrefix("ledger/") else { continue }
      // All of an index segment; of one of the ledger what stands behind its records.
      let lost = isIndex ? 0..<size : max(4096, size - 64 - Int.random(in: 0..<64, using: &random))..<size
      let damage = Damage(path: path, bytes: lost, values: [UInt8](repeating: 0, count: lost.count))
      let after = try DamagedStore(damage.applied(to: image), recording).repaired(damage)
      #expect(after.report.check.problems.isEmpty && after.isWhole, "\(damage): \(after.report)")
    }
  }

  /// A crash of a repair at any of its effects leaves a store that is no more damaged than before, and the next repair does what the first would have.
  @Test(arguments: [true, false]) func aRepairCanBeCrashedAnywhere(collecting: Bool) throws {
    let (recording, image) = try DamageTests.makeStore(collecting: collecting)
    var random = SeededRandom(seed: Self.seed)
    var crashes = 0
    let anywhere = (0..<Self.count / 3).map { [Damage.bit, Damage.sector, Damage.noise][$0 % 3](image, &random) }
    for damage in anywhere + Damage.nodes(of: image) {
      let damaged = damage.applied(to: image)
      let before = DamagedStore(damaged, recording)
      let first = try before.repaired(damage)
      var images = CrashImages(damaged)
      for (index, effect) in first.effects.enumerated() {
        images.apply(effect)
        for survival in [Survival.everything, .nothing, .some(seed: UInt64(index))] {
          let crashed = DamagedStore(images.image(survival), recording)
          let context = "seed \(Self.seed): \(damage), a crash after effect \(index), leaving \(survival)"
          #expect(try crashed.isNoWorse(than: before), "\(context)")
          let second = try crashed.repaired(damage)
          #expect(
            second.report.check.problems.count <= first.report.check.problems.count, "\(context): \(second.report)")
          #expect(second.isNoWorse(than: first), "\(context)")
          crashes += 1
        }
      }
    }
    print("collecting \(collecting): \(crashes) crashes of repairs")
  }

  /// What was put right before a write failed is told, next to the failure.
  @Test func whatWasRepairedBeforeAFailureIsTold() throws {
    var (_, image) = try DamageTests.makeStore(collecting: false)
    for directory in ["ledger/", "index/"] {
      let path = try #require(image.files.keys.filter { $0.hasPrefix(directory) }.sorted().first)
      image.files[path]![20] ^= 1
    }
    let disk = RecordingDisk(image)
    // The first two calls write and flush the header in the ledger.
    disk.fail { _, attempt in attempt == 2 ? .inputOutput : nil }
    let report = try Store.repair(on: disk, options: Workload.options, describedAs: "simulation")
    #expect(report.repairs.count == 1 && report.repairs[0].contains("of the ledger: a flipped bit"), "\(report)")
    #expect(report.failure?.kind == .failed, "\(report)")
  }

  /// A disk that fails while a store is repaired makes nothing worse either, and the next repair goes on.
  @Test func aRepairOnAFailingDiskCanBeRepeated() throws {
    let (recording, image) = try DamageTests.makeStore(collecting: false)
    let path = try #require(image.files.keys.filter { $0.hasPrefix("index/") }.sorted().last)
    let damage = Damage(path: path, bytes: 4096..<4608, values: [UInt8](repeating: 0, count: 512))
    let damaged = damage.applied(to: image)
    let first = try DamagedStore(damaged, recording).repaired(damage)
    for number in first.effects.indices {
      let disk = RecordingDisk(damaged)
      disk.fail { _, attempt in attempt == number ? .noSpace : nil }
      _ = try? Store.repair(on: disk, options: Workload.options, describedAs: "simulation")
      var images = CrashImages(damaged)
      for effect in disk.effects { images.apply(effect) }
      let second = try DamagedStore(images.image(.everything), recording).repaired(damage)
      #expect(second.report.check.problems.isEmpty && second.isWhole, "after call \(number) failed: \(second.report)")
    }
  }
}
