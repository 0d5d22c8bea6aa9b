import FileSystem
import Glibc
import SystemIO
import TestSupport

/// Random files, directories and links of a fork with names and content that are hard on patches, and random edits of
/// them.
struct RandomTree {
  let files: FileSystem
  var random: SeededRandom
  private(set) var history: [String] = []
  private static let user = Credentials(user: 0, group: 0, fileCreationMask: 0)

  private static let names: [[UInt8]] =
    [
      "a", "b", "c", "d", "e", "f", "g", "a b", " lead", "trail ", "tab\there", "new\nline", "q\"q", "b\\s",
      "caf\u{e9}", "cr\rx",
    ]
    .map { Array($0.utf8) } + [[0x78, 0xff, 0x79], [0x01, 0x7f], Array("-dash".utf8), Array("a => b".utf8)]

  init(_ files: FileSystem, seed: UInt64) {
    self.files = files
    random = SeededRandom(seed: seed)
  }

  struct Entry {
    let parent: UInt64
    let name: [UInt8]
    let inode: UInt64
    let type: UInt32
    let depth: Int
    var isDirectory: Bool { type == S_IFDIR }
  }

  /// Everything below a directory, directories first.
  func entries(below directory: UInt64 = FileSystem.rootInode, depth: Int = 0) throws -> [Entry] {
    var found: [Entry] = []
    try files.readdir(directory, after: 0) { entry in
      if entry.name != [0x2e], entry.name != [0x2e, 0x2e] {
        found.append(Entry(parent: directory, name: entry.name, inode: entry.inode, type: 0, depth: depth))
      }
      return true
    }
    var all: [Entry] = []
    for entry in found.sorted(by: { $0.name.lexicographicallyPrecedes($1.name) }) {
      let type = try files.getattr(entry.inode).mode & S_IFMT
      all.append(Entry(parent: directory, name: entry.name, inode: entry.inode, type: type, depth: depth))
      if type == S_IFDIR { all += try entries(below: entry.inode, depth: depth + 1) }
    }
    return all
  }

  mutating func fill() throws {
    for _ in 0..<25 { try make(in: directory()) }
    history = []
  }

  mutating func edit() throws {
    let all = try entries()
    guard let entry = all.randomElement(using: &random) else { return try make(in: directory()) }
    switch Int.random(in: 0..<17, using: &random) {
    case 0..<3:
      guard entry.type == S_IFREG else { return }
      note("change \(entry.name)")
      try write(entry.inode, changed(content(of: entry.inode)))
    case 3..<5:
      guard entry.type == S_IFREG else { return }
      note("replace \(entry.name)")
      let other = try files.mknod(entry.parent, Array("temporary".utf8), mode: 0o100644, device: 0, Self.user).inode
      try write(other, changed(content(of: entry.inode)))
      try files.rename(entry.parent, Array("temporary".utf8), to: entry.parent, entry.name, flags: 0, Self.user)
    case 5: try remove(entry)
    case 6..<8: try make(in: directory())
    case 8..<11: try rename(entry)
    case 11:
      guard entry.type == S_IFREG else { return }
      note("mode of \(entry.name)")
      var change = AttributeChange()
      change.mode = random.oneIn(2) ? 0o755 : 0o600
      _ = try files.setattr(entry.inode, change)
    case 12:
      note("other kind at \(entry.name)")
      try remove(entry)
      try make(in: entry.parent, named: entry.name)
    case 13: try renameAndReplace(all)
    case 14:
      guard let link = all.filter({ $0.type == S_IFLNK }).randomElement(using: &random) else { return }
      note("owner of \(link.name)")
      var change = AttributeChange()
      change.owner = UInt32.random(in: 1...9, using: &random)
      _ = try files.setattr(link.inode, change)
    case 15:
      guard entry.isDirectory else { return }
      note("make \(entry.name) anew")
      try rename(entry)
      try make(in: entry.parent, named: entry.name, isDirectory: true)
    default:
      guard let other = all.randomElement(using: &random), other.inode != entry.inode else { return }
      note("exchange \(entry.name) and \(other.name)")
      do throws(Errno) {
        try files.rename(entry.parent, entry.name, to: other.parent, other.name, flags: 2, Self.user)
      } catch {
        guard error == .invalidArgument || error == .directoryNotEmpty else { throw error }
      }
    }
  }

  private mutating func note(_ text: String) { history.append(text) }

  private mutating func directory() throws -> UInt64 {
    let directories = try entries().filter { $0.isDirectory && $0.depth < 3 }.map(\.inode)
    return ([FileSystem.rootInode] + directories).randomElement(using: &random)!
  }

  /// Equal files and links in the places of some below a renamed directory: only their paths differ.
  private mutating func renameAndReplace(_ all: [Entry]) throws {
    guard let directory = all.filter(\.isDirectory).randomElement(using: &random) else { return }
    try rename(directory)
    for entry in try entries(below: directory.inode) where !entry.isDirectory && random.oneIn(2) {
      note("replace \(entry.name) by its equal")
      let temporary = Array("temporary".utf8)
      if entry.type == S_IFLNK {
        _ = try files.symlink(entry.parent, temporary, target: files.readlink(entry.inode), Self.user)
      } else {
        let mode = try files.getattr(entry.inode).mode
        let other = try files.mknod(entry.parent, temporary, mode: mode, device: 0, Self.user).inode
        try write(other, content(of: entry.inode))
      }
      try files.rename(entry.parent, temporary, to: entry.parent, entry.name, flags: 0, Self.user)
    }
  }

  private mutating func make(in parent: UInt64, named name: [UInt8]? = nil, isDirectory: Bool = false) throws {
    let name = name ?? Self.names.randomElement(using: &random)!
    do throws(Errno) {
      switch isDirectory ? 0 : Int.random(in: 0..<8, using: &random) {
      case 0..<2:
        note("make directory \(name)")
        let directory = try files.mkdir(parent, name, mode: 0o755, Self.user).inode
        let inode = try files.mknod(directory, Array("in".utf8), mode: 0o100644, device: 0, Self.user).inode
        try write(inode, text())
      case 2:
        note("make link \(name)")
        _ = try files.symlink(
          parent, name, target: ["a", "x/y", "to here"].map { Array($0.utf8) }.randomElement(using: &random)!, Self.user
        )
      default:
        note("make file \(name)")
        let mode: UInt32 = random.oneIn(4) ? 0o100755 : 0o100644
        try write(files.mknod(parent, name, mode: mode, device: 0, Self.user).inode, text())
      }
    } catch {
      guard error == .exists else { throw error }
    }
  }

  private mutating func remove(_ entry: Entry) throws {
    note("remove \(entry.name)")
    guard entry.isDirectory else { return try files.unlink(entry.parent, entry.name) }
    for inner in try entries(below: entry.inode).reversed() {
      if inner.isDirectory {
        try files.rmdir(inner.parent, inner.name)
      } else {
        try files.unlink(inner.parent, inner.name)
      }
    }
    try files.rmdir(entry.parent, entry.name)
  }

  private mutating func rename(_ entry: Entry) throws {
    let (parent, name) = (try directory(), Self.names.randomElement(using: &random)!)
    note("rename \(entry.name) to \(name)")
    do throws(Errno) {
      try files.rename(entry.parent, entry.name, to: parent, name, flags: 0, Self.user)
    } catch {
      guard [.invalidArgument, .directoryNotEmpty, .exists, .isDirectory, .notDirectory].contains(error) else {
        throw error
      }
    }
  }

  // MARK: Content

  private mutating func text() -> [UInt8] {
    if random.oneIn(6) { return [] }
    var lines: [[UInt8]] = []
    for _ in 0..<Int.random(in: 1...30, using: &random) {
      lines.append(
        Array("line \(Int.random(in: 0...9, using: &random))".utf8) + (random.oneIn(12) ? [0xe9, 0x0d] : []))
    }
    let text = Array(lines.joined(separator: [0x0a]))
    return random.oneIn(4) ? text : text + [0x0a]
  }

  private mutating func changed(_ content: [UInt8]) -> [UInt8] {
    if random.oneIn(5) { return text() }
    var lines = content.split(separator: 0x0a, omittingEmptySubsequences: false).map { Array($0) }
    for _ in 0...Int.random(in: 0...3, using: &random) {
      lines.insert(
        Array("new \(Int.random(in: 0...99, using: &random))".utf8), at: Int.random(in: 0...lines.count, using: &random)
      )
    }
    return Array(lines.joined(separator: [0x0a]))
  }

  func content(of inode: UInt64) throws -> [UInt8] { try files.bytes(of: inode, at: 0, count: 1 << 20) }

  private func write(_ inode: UInt64, _ bytes: [UInt8]) throws(Errno) {
    var change = AttributeChange()
    change.size = 0
    _ = try files.setattr(inode, change)
    if bytes.isEmpty { return }
    var failure: Errno?
    bytes.withUnsafeBytes { buffer in
      do throws(Errno) { _ = try files.write(inode, at: 0, buffer) } catch { failure = error }
    }
    if let failure { throw failure }
  }
}
