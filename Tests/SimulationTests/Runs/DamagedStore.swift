import FileSystem
import SystemIO
import TestSupport

@testable import Store

/// Bytes of one file that are not what was written.
struct Damage: CustomStringConvertible {
  let path: String
  let bytes: Range<Int>
  let values: [UInt8]

  var description: String { "\(values.count) bytes at \(bytes.lowerBound) of \(path)" }

  init(path: String, bytes: Range<Int>, values: [UInt8]) {
    self.path = path
    self.bytes = bytes
    self.values = values
  }

  func applied(to image: DiskImage) -> DiskImage {
    var damaged = image
    damaged.files[path]!.replaceSubrange(bytes, with: values)
    return damaged
  }

  private static func place(in image: DiskImage, _ random: inout SeededRandom) -> (path: String, offset: Int) {
    // A file as often as another, so that small ones come up too.
    let path = image.files.keys.filter { !image.files[$0]!.isEmpty }.sorted().randomElement(using: &random)!
    return (path, Int.random(in: 0..<image.files[path]!.count, using: &random))
  }

  static func bit(in image: DiskImage, _ random: inout SeededRandom) -> Damage {
    let (path, offset) = place(in: image, &random)
    let value = image.files[path]![offset] ^ (1 << UInt8.random(in: 0..<8, using: &random))
    return Damage(path: path, bytes: offset..<offset + 1, values: [value])
  }

  /// A sector that reads as zeros.
  static func sector(in image: DiskImage, _ random: inout SeededRandom) -> Damage {
    let (path, offset) = place(in: image, &random)
    let start = offset / 512 * 512
    let end = min(start + 512, image.files[path]!.count)
    return Damage(path: path, bytes: start..<end, values: [UInt8](repeating: 0, count: end - start))
  }

  /// Some bytes in the first and in the last node of each segment of the index.
  static func nodes(of image: DiskImage) -> [Damage] {
    image.files.keys.filter { $0.hasPrefix("index/") }.sorted().flatMap { path in
      let directory = image.files[path]!.count - 64 - 8 - 24
      return [4096 + 26, directory - 60].map { Damage(path: path, bytes: $0..<$0 + 5, values: Array("wrong".utf8)) }
    }
  }

  /// A few bytes of anything.
  static func noise(in image: DiskImage, _ random: inout SeededRandom) -> Damage {
    let (path, offset) = place(in: image, &random)
    let end = min(offset + Int.random(in: 2...40, using: &random), image.files[path]!.count)
    return Damage(path: path, bytes: offset..<end, values: random.bytes(end - offset))
  }
}

/// What a store was, as it is now, and what can be read of it.
struct DamagedStore {
  let image: DiskImage
  private let recording: Recording

  init(_ image: DiskImage, _ recording: Recording) {
    self.image = image
    self.recording = recording
  }

  /// Whether everything can be read in it that can be read in another one.
  func isNoWorse(than other: DamagedStore) throws -> Bool {
    Self.isNoWorse(try readings(image), than: try readings(other.image))
  }

  /// What was repaired, and what can be read then.
  struct Repaired {
    let report: RepairReport
    let effects: [Effect]
    let image: DiskImage
    /// Of each head; nil where the store is refused.
    let readings: [String: ToleratedReading]?

    var isWhole: Bool { readings?.values.allSatisfy(\.isWhole) ?? false }

    func isNoWorse(than other: Repaired) -> Bool { DamagedStore.isNoWorse(readings, than: other.readings) }
  }

  /// Repairs a copy, and throws where something can be read no more that could before, where something is not what was written, or where something
  /// cannot be read and nobody says so.
  ///
  /// - Parameter comparing: whether the damaged store is read before.
  func repaired(_ damage: Damage, comparing: Bool = true) throws -> Repaired {
    let before = comparing ? try readings(image) : nil
    let disk = RecordingDisk(image)
    var report = try Store.repair(on: disk, options: Workload.options, describedAs: "simulation")
    if let failure = report.failure {
      guard failure.kind == .newerFormat else { throw failure }
      report.check.problems = [CheckProblem(message: failure.message)]
    }
    var images = CrashImages(image)
    for effect in disk.effects { images.apply(effect) }
    let left = images.image(.everything)
    let after = try readings(left)
    guard Self.isNoWorse(after, than: before) else { throw Violation("\(damage): a repair made it worse: \(report)") }
    for (name, reading) in after ?? [:] where !reading.isWhole {
      guard report.check.problems.contains(where: { $0.head == name }) else {
        throw Violation("\(damage): \(name) can't be read, and the report says \(report)")
      }
    }
    if after == nil, report.check.problems.isEmpty { throw Violation("\(damage): it is refused, after \(report)") }
    return Repaired(report: report, effects: disk.effects, image: left, readings: after)
  }

  private func readings(_ image: DiskImage) throws -> [String: ToleratedReading]? {
    let store: Store
    do throws(StoreError) {
      store = try Store.open(on: RecordingDisk(image), options: Workload.options, describedAs: "simulation")
    } catch {
      guard [.damaged, .newerFormat].contains(error.kind) else { throw error }
      return nil
    }
    let models = recording.moments.last!.models
    guard Set(store.heads().map(\.name)) == Set(models.keys) else { throw Violation("it has other forks") }
    var readings: [String: ToleratedReading] = [:]
    for (name, model) in models {
      readings[name] = try ToleratedReading(FileSystem(store.volume(Reference(name))), model)
    }
    return readings
  }

  private static func isNoWorse(
    _ readings: [String: ToleratedReading]?, than others: [String: ToleratedReading]?
  ) -> Bool {
    guard let others else { return true }
    guard let readings else { return false }
    return readings.allSatisfy { name, reading in
      guard let other = others[name] else { return false }
      return reading.unreadablePages.isSubset(of: other.unreadablePages)
        && reading.unreadableInodes.isSubset(of: other.unreadableInodes)
        && reading.unreadableEntries.isSubset(of: other.unreadableEntries)
    }
  }
}
