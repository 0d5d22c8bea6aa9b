import Control
import FileSystem
import Glibc
import Store
import SystemIO

/// Writes changes as patches in the extended format of git, which `git apply` and `patch` understand: text files,
/// symbolic links, modes and renames. Directories, devices, owners and extended attributes have no place in it.
struct PatchMaker {
  let comparison: Comparison
  private let old: FileSystem
  private let new: FileSystem

  /// Longer files are not compared line by line.
  private static let longest: UInt64 = 1 << 20

  init(_ comparison: Comparison) {
    self.comparison = comparison
    old = FileSystem(comparison.old)
    new = FileSystem(comparison.new)
  }

  /// The patch of one change; nil where there is nothing that a patch can say. That of a renamed directory renames what
  /// is below it and is told by no change of its own. It stops with `canceled` as soon as `isWanted` says no.
  func patch(_ change: StoredChange, while isWanted: () -> Bool) throws(Failure) -> [UInt8]? {
    if change.kind == .renamed, change.type == S_IFDIR { return try patchOfDirectory(change, isWanted) }
    guard change.type == S_IFREG || change.type == S_IFLNK else { return nil }
    var lines = PatchLines(change)
    lines.writeModes()
    lines.writeRename()
    lines.writeEmptiness()
    if !change.hasSameContent, let content = try content(change, isWanted) { lines.write(content) }
    return lines.text
  }

  private func patchOfDirectory(_ change: StoredChange, _ isWanted: () -> Bool) throws(Failure) -> [UInt8]? {
    var text: [UInt8] = []
    try translating { () throws(StoreError) in
      try comparison.forEachUnchanged(below: change) { file in
        guard isWanted() else { return false }
        guard file.type == S_IFREG || file.type == S_IFLNK else { return true }
        var lines = PatchLines(file)
        lines.writeModes()
        lines.writeRename()
        text += lines.text ?? []
        return true
      }
    }
    guard isWanted() else { throw .canceled }
    return text.isEmpty ? nil : text
  }

  /// What a patch says of the content; nil where there is nothing to say.
  private func content(_ change: StoredChange, _ isWanted: () -> Bool) throws(Failure) -> PatchLines.Content? {
    guard let before = try text(old, change.old), let after = try text(new, change.new) else { return .binary }
    let diff = UnifiedDiff(before, after, while: isWanted)
    guard isWanted() else { throw .canceled }
    return diff.isEmpty ? nil : .hunks(diff.hunks)
  }

  /// What a file holds, or the target of a symbolic link; nil where that is no small text.
  private func text(_ fileSystem: FileSystem, _ side: StoredChange.Side?) throws(Failure) -> [UInt8]? {
    guard let side else { return [] }
    guard side.size <= Self.longest else { return nil }
    do throws(Errno) {
      if side.mode & S_IFMT == S_IFLNK { return try fileSystem.readlink(side.inode) }
      let content = try read(fileSystem, side.inode, count: Int(side.size))
      return content.contains(0) ? nil : content
    } catch {
      throw Failure(.failed, "cannot read \(Quoting.quoted(side.path)) in \(fileSystem.name): \(error)")
    }
  }

  private func read(_ fileSystem: FileSystem, _ inode: UInt64, count: Int) throws(Errno) -> [UInt8] {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: max(1, count), alignment: 1)
    defer { buffer.deallocate() }
    var length = 0
    while length < count {
      let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[length..<count])
      let piece = try fileSystem.read(inode, at: UInt64(length), into: rest)
      if piece == 0 { break }
      length += piece
    }
    return Array(buffer[..<length])
  }
}

/// The lines of one file's patch.
private struct PatchLines {
  enum Content {
    case hunks([UInt8])
    case binary
  }

  private let old: StoredChange.Side?
  private let new: StoredChange.Side?
  private let hasSameContent: Bool
  private var lines: [UInt8] = []

  init(_ change: StoredChange) {
    old = change.old
    new = change.new
    hasSameContent = change.hasSameContent
  }

  private var oldPath: [UInt8] { (old ?? new)?.path ?? [] }
  private var newPath: [UInt8] { (new ?? old)?.path ?? [] }

  mutating func writeModes() {
    let (before, after) = (old.map { Self.mode($0.mode) }, new.map { Self.mode($0.mode) })
    switch (before, after) {
    case (nil, let after?): line("new file mode \(after)")
    case (let before?, nil): line("deleted file mode \(before)")
    // Of a link it is said too: `patch` changes and moves regular files only, unless it knows what it meets.
    case (let before?, let after?)
    where before != after || after == Self.link && (!hasSameContent || oldPath != newPath):
      line("old mode \(before)")
      line("new mode \(after)")
    default: break
    }
  }

  /// Tells `patch` that a file without any line is meant to be empty.
  mutating func writeEmptiness() {
    guard (old?.size ?? 0) + (new?.size ?? 0) == 0, old == nil || new == nil else { return }
    line("index \(old == nil ? Self.noObject : Self.emptyObject)..\(new == nil ? Self.noObject : Self.emptyObject)")
  }

  /// What git calls a file that is not there, and one that is empty.
  private static let noObject = "0000000"
  private static let emptyObject = "e69de29"

  mutating func writeRename() {
    guard old != nil, new != nil, oldPath != newPath else { return }
    if hasSameContent { line("similarity index 100%") }
    line("rename from ", PatchName("", oldPath).quoted)
    line("rename to ", PatchName("", newPath).quoted)
  }

  mutating func write(_ content: Content) {
    let (before, after) = (PatchName("a/", oldPath), PatchName("b/", newPath))
    let none = Array("/dev/null".utf8)
    switch content {
    case .hunks(let hunks):
      line("--- ", old == nil ? none : before.quoted)
      line("+++ ", new == nil ? none : after.quoted)
      lines += hunks
    case .binary:
      let and = Array(" and ".utf8)
      let differ = Array(" differ".utf8)
      line("Binary files ", (old == nil ? none : before.quoted) + and + (new == nil ? none : after.quoted) + differ)
    }
  }

  /// Nil where there is nothing to say.
  var text: [UInt8]? {
    if lines.isEmpty { return nil }
    let (before, after) = (PatchName("a/", oldPath).quoted, PatchName("b/", newPath).quoted)
    return Array("diff --git ".utf8) + before + [UInt8(ascii: " ")] + after + [UInt8(ascii: "\n")] + lines
  }

  private mutating func line(_ text: String, _ bytes: [UInt8] = []) {
    lines += Array(text.utf8) + bytes + [UInt8(ascii: "\n")]
  }

  /// Git knows files that may be executed by their owner, files that may not, and symbolic links.
  private static let link = "120000"
  private static func mode(_ mode: UInt32) -> String {
    if mode & S_IFMT == S_IFLNK { return link }
    return mode & S_IXUSR == 0 ? "100644" : "100755"
  }
}

extension StoredChange {
  fileprivate var hasSameContent: Bool {
    guard let old, let new else { return false }
    return pages.isEmpty && old.size == new.size && !attributes.contains(.target)
  }
}
