import Glibc
import PosixCalls
import TestSupport

/// Names that are there, and what they stand for, as far as the steps so far showed it.
struct KnownNames {
  enum Kind: Hashable { case directory, file, symbolicLink, special }

  private var paths: [(path: Path, kind: Kind)] = []

  private static let most = 60
  private static let deepest = 4

  mutating func add(_ path: Path, _ kind: Kind, _ random: inout SeededRandom) {
    let names = path.bytes.split(separator: UInt8(ascii: "/"))
    let isPlain = !names.contains { $0.elementsEqual(".".utf8) || $0.elementsEqual("..".utf8) }
    guard isPlain, !names.isEmpty, names.count <= Self.deepest else { return }
    paths.removeAll { $0.path == path }
    if paths.count == Self.most { paths.remove(at: Int.random(in: 0..<paths.count, using: &random)) }
    paths.append((path, kind))
  }

  /// With all that lies below it.
  mutating func remove(_ path: Path) {
    paths.removeAll { $0.path == path || $0.path.isBelow(path) }
  }

  /// What lies below a directory moves with it.
  mutating func move(_ old: Path, to new: Path) {
    for index in paths.indices where paths[index].path.isBelow(old) {
      paths[index].path = new / Path([UInt8](paths[index].path.bytes.dropFirst(old.bytes.count + 1)))
    }
  }

  func any(_ kinds: Set<Kind>, _ random: inout SeededRandom) -> Path? {
    paths.lazy.filter { kinds.contains($0.kind) }.map(\.path).randomElement(using: &random)
  }
}

extension KnownNames.Kind {
  init(_ status: Status) {
    switch status.kind {
    case S_IFDIR: self = .directory
    case S_IFREG: self = .file
    case S_IFLNK: self = .symbolicLink
    default: self = .special
    }
  }
}

extension Path {
  func isBelow(_ directory: Path) -> Bool {
    bytes.count > directory.bytes.count && bytes.starts(with: directory.bytes)
      && bytes[directory.bytes.count] == UInt8(ascii: "/")
  }
}
