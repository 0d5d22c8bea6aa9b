import SystemIO
import TestSupport

/// The files of a disk after a crash.
struct DiskImage {
  var directories: Set<String>
  var files: [String: [UInt8]]
}

/// How much of what was not synchronized a crash leaves.
enum Survival: Hashable {
  /// The process died, and the machine went on.
  case everything
  case nothing
  /// Each sector and each name is one of the versions it had since it was last synchronized; the seed decides.
  case some(seed: UInt64)
}

/// What a crash can leave of a disk, effect by effect.
///
/// A file's content is durable after `synchronize`, a name after `synchronizeDirectory`. Until then each sector of 512 bytes that was
/// written may be there or not, whatever was written before or after it; the size of a file is any that it had; a name leads to any file
/// that it led to, or to none if there was such a moment.
struct CrashImages {
  private static let sector = 512

  private struct File {
    var current: [UInt8]
    var durable: [UInt8]
    var pending: [Effect] = []
  }

  private var directories: Set<String>
  private var files: [Int: File] = [:]
  /// The versions of each name since its directory was last synchronized; the first one is durable.
  private var names: [String: [Int?]] = [:]

  /// - Parameter start: what was on the disk, durably, before the first effect.
  init(_ start: DiskImage = DiskImage(directories: [""], files: [:])) {
    directories = start.directories
    for (number, (path, bytes)) in start.files.sorted(by: { $0.key < $1.key }).enumerated() {
      files[number] = File(current: bytes, durable: bytes)
      names[path] = [number]
    }
  }

  mutating func apply(_ effect: Effect) {
    switch effect {
    case .makeDirectory(let path): directories.insert(path)
    case .create(let number, let path):
      files[number] = File(current: [], durable: [])
      names[path, default: [nil]].append(number)
    case .write(let number, _, _), .resize(let number, _), .shrink(let number, _), .punch(let number, _):
      files[number]!.current.apply(effect)
      files[number]!.pending.append(effect)
    case .rename(let path, let newPath):
      names[newPath, default: [nil]].append(names[path]!.last!)
      names[path]!.append(nil)
    case .remove(let path): names[path]!.append(nil)
    case .synchronize(let number):
      files[number]!.durable = files[number]!.current
      files[number]!.pending = []
    case .synchronizeDirectory(let path):
      for (name, versions) in names where name.parent == path {
        names[name] = versions.last! == nil ? nil : [versions.last!]
      }
    }
  }

  func image(_ survival: Survival) -> DiskImage {
    var random = SeededRandom(seed: 0)
    if case .some(let seed) = survival { random = SeededRandom(seed: seed) }
    var image = DiskImage(directories: directories, files: [:])
    for (path, versions) in names.sorted(by: { $0.key < $1.key }) {
      let number: Int? =
        switch survival {
        case .everything: versions.last!
        case .nothing: versions.first!
        case .some: versions.randomElement(using: &random)!
        }
      guard let number, let file = files[number] else { continue }
      image.files[path] =
        switch survival {
        case .everything: file.current
        case .nothing: file.durable
        case .some: Self.torn(file, &random)
        }
    }
    return image
  }

  /// Each sector in one of the versions that it had.
  private static func torn(_ file: File, _ random: inout SeededRandom) -> [UInt8] {
    guard !file.pending.isEmpty else { return file.durable }
    var bytes = file.durable
    var sizes = [bytes.count]
    var history = file.durable
    // Some crashes lose much, some little.
    let odds = Int.random(in: 1...4, using: &random)
    for effect in file.pending {
      history.apply(effect)
      sizes.append(history.count)
      guard let range = effect.range(in: history) else { continue }
      bytes.extend(to: range.upperBound)
      var start = range.lowerBound
      while start < range.upperBound {
        let end = min(range.upperBound, (start / sector + 1) * sector)
        if random.oneIn(odds) { bytes.replaceSubrange(start..<end, with: history[start..<end]) }
        start = end
      }
    }
    bytes.apply(.resize(0, to: sizes.randomElement(using: &random)!))
    return bytes
  }
}

extension Effect {
  /// The bytes whose content it sets, in a file to which it was applied; nil for a new size alone.
  fileprivate func range(in content: [UInt8]) -> Range<Int>? {
    switch self {
    case .write(_, let offset, let bytes): offset..<offset + bytes.count
    case .punch(_, let range): range.clamped(to: 0..<content.count)
    default: nil
    }
  }
}
