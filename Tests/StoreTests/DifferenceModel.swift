import TestSupport

@testable import Store

extension ModelFileSystem {
  /// Throws where the changes are not what leads from this state to another, path by path, or where they tell what is
  /// no difference.
  func compareDifference(to new: ModelFileSystem, _ changes: [Change]) throws {
    var model = try DifferenceModel(old: self, new: new, changes)
    try model.verify()
  }
}

/// What changes say, applied to the paths of the old state.
private struct DifferenceModel {
  private let old: ModelFileSystem
  private let new: ModelFileSystem
  private let oldPaths: [[UInt8]: UInt64]
  private let newPaths: [[UInt8]: UInt64]
  /// By the path in the new state, whatever is there then.
  private var told: [[UInt8]: Change] = [:]
  private var removed: Set<[UInt8]> = []
  private var origins: [[UInt8]: [UInt8]] = [[]: []]

  init(old: ModelFileSystem, new: ModelFileSystem, _ changes: [Change]) throws {
    self.old = old
    self.new = new
    oldPaths = old.paths.merging([[]: ModelFileSystem.root]) { $1 }
    newPaths = new.paths.merging([[]: ModelFileSystem.root]) { $1 }
    for change in changes {
      let path = Self.path(change.path)
      if change.kind == .removed {
        guard removed.insert(path).inserted else { throw Wrong("\(change) is told twice") }
      } else {
        guard told.updateValue(change, forKey: path) == nil else { throw Wrong("\(change) is not all about its path") }
      }
    }
  }

  private static func path(_ path: [UInt8]) -> [UInt8] { path == [UInt8(ascii: ".")] ? [] : path }

  mutating func verify() throws {
    for (path, change) in told where newPaths[path] == nil { throw Wrong("nothing is at \(path), but \(change)") }
    for path in removed where oldPaths[path] == nil { throw Wrong("nothing was at \(path), but it is said to be gone") }
    // A directory is shorter than what is in it.
    for path in newPaths.keys.sorted(by: { $0.count < $1.count }) { try verify(path) }
    var used: Set<[UInt8]> = []
    for origin in origins.values where !used.insert(origin).inserted { throw Wrong("\(origin) became two things") }
    for path in oldPaths.keys where used.contains(path) == removed.contains(path) {
      throw Wrong("\(path) is gone and is not, or neither")
    }
    for (path, change) in told where change.kind == .added {
      guard let inode = oldPaths[path], removed.contains(path) else { continue }
      guard old[inode].kind != new[newPaths[path]!].kind else { throw Wrong("\(path) is told as gone and come") }
    }
  }

  /// Finds where something was before, and whether all that differs is told.
  private mutating func verify(_ path: [UInt8]) throws {
    let after = new[newPaths[path]!]
    let change = told[path]
    if change?.kind == .added { return }
    let origin = try change?.old.map { Self.path($0.path) } ?? inherited(path)
    guard let inode = oldPaths[origin] else { throw Wrong("\(path) is told to have been at \(origin)") }
    let before = old[inode]
    guard before.kind == after.kind else {
      throw Wrong("\(path) was of another kind at \(origin), and nothing says so")
    }
    origins[path] = origin
    let pages = Set(before.pages.keys).union(after.pages.keys).filter { before.pages[$0] != after.pages[$0] }
    guard Set(change?.pages.flatMap { Array($0) } ?? []) == pages else {
      throw Wrong("\(path) differs in pages \(pages.sorted()), and not in \(change?.pages ?? [])")
    }
    guard before.attributes(differingFrom: after) == Set(change?.attributes ?? []) else {
      throw Wrong("\(path) differs in \(before.attributes(differingFrom: after)), not in \(change?.attributes ?? [])")
    }
    let isRenamed = change?.kind == .renamed
    if isRenamed, origin == path { throw Wrong("\(path) is renamed to itself") }
    if !isRenamed, let change, change.pages.isEmpty, change.attributes.isEmpty { throw Wrong("\(change) is no change") }
    if !isRenamed, origin != (try inherited(path)) {
      throw Wrong("\(path) was at \(origin), and is not told as renamed")
    }
    // Whatever keeps its path is not renamed.
    if isRenamed, !after.isDirectory, oldPaths[path].map({ old[$0].kind }) == after.kind {
      throw Wrong("\(path) is compared with \(origin)")
    }
  }

  /// Where the path was where only directories above it were renamed.
  private func inherited(_ path: [UInt8]) throws -> [UInt8] {
    guard let slash = path.lastIndex(of: UInt8(ascii: "/")) else { return path }
    guard let directory = origins[Array(path[..<slash])] else { throw Wrong("\(path) came, and nothing says so") }
    return directory + path[slash...]
  }
}

extension ModelFileSystem.Node {
  fileprivate enum Kind { case directory, file, link, device }

  fileprivate var kind: Kind {
    switch content {
    case .directory: .directory
    case .file: .file
    case .link: .link
    case .device: .device
    }
  }

  fileprivate func attributes(differingFrom other: Self) -> Set<Change.Attribute> {
    var differing: Set<Change.Attribute> = []
    if mode != other.mode { differing.insert(.mode) }
    if isFile, size != other.size { differing.insert(.size) }
    if attributes != other.attributes { differing.insert(.extendedAttributes) }
    if case .link(let target) = content, case .link(let otherTarget) = other.content, target != otherTarget {
      differing.insert(.target)
    }
    return differing
  }
}
