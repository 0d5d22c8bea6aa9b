import FileSystem
import Ledger
import SystemIO
import TestSupport
import Testing

@testable import Store

/// Flips bits of a store or leads its writes astray, and looks at every file of it.
///
/// `TINE_SIMULATION_FLIPS`: how many bytes are flipped, one at a time (4,000); 0 for every byte. `TINE_SIMULATION_STRAYS`: how many writes
/// go astray, one at a time (150).
@Suite struct DamageTests {
  private struct Outcome {
    var harmless = 0
    var refused = 0
    var reported = 0
  }

  /// A damaged byte is padding, or is reported, and what is read is right or an error.
  @Test func everyFlippedByteIsHarmlessOrReported() throws {
    let (recording, image) = try Self.makeStore()
    let bytes = image.files.sorted { $0.key < $1.key }.flatMap { file in file.value.indices.map { (file.key, $0) } }
    let wanted = CrashTests.number("TINE_SIMULATION_FLIPS", 4000)
    var random = SeededRandom(seed: 1)
    var outcome = Outcome()
    for (path, offset) in wanted == 0 ? bytes : (0..<wanted).map({ _ in bytes.randomElement(using: &random)! }) {
      var damaged = image
      damaged.files[path]![offset] ^= 1 << UInt8.random(in: 0..<8, using: &random)
      do { try Self.judge(damaged, recording, nil, &outcome) } catch {
        Issue.record("byte \(offset) of \(path): \(error)")
      }
    }
    print("\(outcome) of \(bytes.count) bytes")
    #expect(outcome.reported > 0 && outcome.refused > 0 && outcome.harmless > 0)
  }

  /// A write that the disk put somewhere else: it is missing in its place, and stands over something else. As long as the store is used nobody
  /// can know.
  @Test func everyStrayWriteIsHarmlessOrReported() throws {
    let (recording, _) = try Self.makeStore()
    var random = SeededRandom(seed: 3)
    var outcome = Outcome()
    for trial in 0..<CrashTests.number("TINE_SIMULATION_STRAYS", 150) {
      let (effects, stray) = Self.withStrayWrite(recording, &random)
      var images = CrashImages(recording.start)
      for effect in effects { images.apply(effect) }
      do { try Self.judge(images.image(.everything), recording, nil, &outcome) } catch {
        Issue.record("trial \(trial), \(stray): \(error)")
      }
    }
    print("\(outcome) of stray writes")
    #expect(outcome.reported > 0 && outcome.refused > 0 && outcome.harmless > 0)
  }

  /// Leads one write to another sector of its file, or to another file.
  private static func withStrayWrite(_ recording: Recording, _ random: inout SeededRandom) -> ([Effect], String) {
    var effects = recording.effects
    while true {
      let index = Int.random(in: recording.firstEffect..<effects.count, using: &random)
      guard case .write(let file, let offset, let bytes) = effects[index] else { continue }
      let files = Set(effects[..<index].compactMap { if case .create(let file, _) = $0 { file } else { nil } })
      let other = random.oneIn(3) ? files.sorted().randomElement(using: &random) ?? file : file
      let place = max(0, offset + 512 * Int.random(in: -16...16, using: &random))
      guard other != file || place != offset else { continue }
      effects[index] = .write(other, offset: place, bytes)
      return (effects, "\(bytes.count) bytes for file \(file) at \(offset) went to file \(other) at \(place)")
    }
  }

  /// The first test sees a store that does not compare blocks with their digests.
  @Test func aStoreThatTrustsItsDiskIsFound() throws {
    let (recording, image) = try Self.makeStore()
    var random = SeededRandom(seed: 2)
    var outcome = Outcome()
    let ledger = image.files.keys.filter { $0.hasPrefix("ledger/") }.sorted()
    #expect(throws: (any Error).self) {
      for _ in 0..<2000 {
        let path = ledger.randomElement(using: &random)!
        var damaged = image
        damaged.files[path]![Int.random(in: 0..<image.files[path]!.count, using: &random)] ^= 1
        try Self.judge(damaged, recording, .trustsBlocks, &outcome)
      }
    }
  }

  /// A store with forks, a snapshot and a collection behind it, which was closed.
  ///
  /// - Parameters:
  ///   - collecting: whether a collection takes what it can on the way.
  ///   - closing: whether it is closed in the end; otherwise much of it stands behind the last checkpoint, flushed.
  static func makeStore(collecting: Bool = true, closing: Bool = true) throws -> (Recording, DiskImage) {
    var workload = try Workload()
    let steps: [Step] = [
      .file(.write, fork: 0), .fork(0), .file(.overwrite, fork: 1), .snapshot(fork: 0),
      .file(.setLongAttribute, fork: 0), .file(.truncate, fork: 0), collecting ? .collect : .checkpoint,
      .random(seed: 3, count: 12, fork: 1), .checkpoint, .file(.unlink, fork: 0),
      .random(seed: 4, count: closing ? 0 : 20, fork: 0),
      .flush(fork: 0), closing ? .reopen : .flush(fork: 1),
    ]
    for step in steps { try workload.run(step) }
    let recording = workload.finished()
    var images = CrashImages(recording.start)
    for effect in recording.effects { images.apply(effect) }
    return (recording, images.image(.everything))
  }

  private static func judge(
    _ image: DiskImage, _ recording: Recording, _ sabotage: Sabotage?, _ outcome: inout Outcome
  ) throws {
    var options = Workload.options
    options.ledger.sabotage = sabotage
    let store: Store
    do throws(StoreError) {
      store = try Store.open(on: RecordingDisk(image), options: options, describedAs: "simulation")
    } catch {
      guard !error.message.isEmpty else { throw error }
      outcome.refused += 1
      return
    }
    let problems = try store.check().problems
    let model = recording.moments.last!.models
    guard Set(store.heads().map(\.name)) == Set(model.keys) else { throw Violation("it has other forks") }
    var unreadable: [String] = []
    for (name, model) in model.sorted(by: { $0.key < $1.key }) {
      let files = FileSystem(try store.volume(Reference(name)))
      do {
        try model.compare(with: files)
      } catch let error as Errno where error == .inputOutput {
        unreadable.append(name)
      }
    }
    if problems.isEmpty, !unreadable.isEmpty { throw Violation("check finds nothing, and \(unreadable) can't be read") }
    if problems.isEmpty { outcome.harmless += 1 } else { outcome.reported += 1 }
  }
}
