import Control
import FileSystem
import Glibc
import Store
import SystemIO

/// Makes unified diffs of small text files that differ between two heads.
struct PatchMaker {
  let old: FileSystem
  let new: FileSystem

  /// Longer files are not compared line by line.
  private static let longest: UInt64 = 1 << 20

  /// The unified diff of one change; nil where it is not about the content of a small text file.
  func patch(_ change: StoredChange) throws(Failure) -> String? {
    guard change.type & S_IFMT == S_IFREG, !change.pages.isEmpty || change.oldSize != change.newSize,
      max(change.oldSize, change.newSize) <= Self.longest
    else { return nil }
    let oldPath = change.oldPath ?? change.path
    guard let before = try change.kind == .added ? "" : text(old, oldPath),
      let after = try change.kind == .removed ? "" : text(new, change.path)
    else { return nil }
    let patch = UnifiedDiff(before, after)
    if patch.isEmpty { return nil }
    let names = (String(decoding: oldPath, as: UTF8.self), String(decoding: change.path, as: UTF8.self))
    return patch.text(
      oldName: change.kind == .added ? "/dev/null" : "a/" + names.0,
      newName: change.kind == .removed ? "/dev/null" : "b/" + names.1)
  }

  /// What a file holds; nil where that is not text, or where it changed meanwhile so that it is not there any more.
  private func text(_ fileSystem: FileSystem, _ path: [UInt8]) throws(Failure) -> String? {
    do throws(Errno) {
      var inode = FileSystem.rootInode
      for name in path.split(separator: UInt8(ascii: "/")) { inode = try fileSystem.lookup(inode, Array(name)).inode }
      let size = try fileSystem.getattr(inode).size
      guard size <= Self.longest else { return nil }
      let content = try read(fileSystem, inode, count: Int(size))
      return content.contains(0) ? nil : String(validating: content, as: UTF8.self)
    } catch {
      if error == .noSuchFile || error == .stale { return nil }
      throw Failure(.failed, "cannot read \(Quoting.quoted(path)) in \(fileSystem.name): \(error)")
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
