public import Store
public import SystemIO
import Tree

extension FileSystem {
  private static let dot: UInt64 = 1
  private static let dotDot: UInt64 = 2
  /// The cookies of real entries come behind those of "." and "..".
  private static let firstEntry: UInt64 = 3
  private static let batch = 256

  /// Reads the entries behind a cookie, 0 for all, "." and ".." among them, until `body` returns false.
  ///
  /// An entry that is there all the time is given once, whatever is added or removed meanwhile.
  public func readdir(
    _ inode: InodeNumber, after cookie: UInt64, _ body: (DirectoryEntry) -> Bool
  ) throws(Errno) {
    guard try item(inode).isDirectory else { throw .notDirectory }
    if cookie < Self.dot {
      guard body(entry(".", inode, Self.dot)) else { return }
    }
    if cookie < Self.dotDot {
      guard body(entry("..", try parent(of: inode), Self.dotDot)) else { return }
    }
    var rest = TreeKey.range(of: inode, .dentry)
    if cookie >= Self.firstEntry {
      guard cookie - Self.firstEntry < rest.upperBound.sub else { return }
      rest = TreeKey(inode, .dentry, cookie - Self.firstEntry + 1)...rest.upperBound
    }
    while true {
      let entries = try entries(rest)
      for entry in entries where !body(entry) { return }
      guard entries.count == Self.batch, let cookie = entries.last?.cookie,
        cookie - Self.firstEntry < rest.upperBound.sub
      else { return }
      rest = TreeKey(inode, .dentry, cookie - Self.firstEntry + 1)...rest.upperBound
    }
  }

  private func entries(_ range: ClosedRange<TreeKey>) throws(Errno) -> [DirectoryEntry] {
    try reading { (tree) throws(TreeError) in
      var entries: [DirectoryEntry] = []
      try tree.scan(range) { (key, value) throws(TreeError) in
        do throws(DecodingFailure) {
          let item = try DentryItem(decoding: value)
          entries.append(
            DirectoryEntry(name: item.name, inode: item.inode, type: item.type, cookie: key.sub + Self.firstEntry))
        } catch {
          throw .damaged("entry \(key): \(error)")
        }
        return entries.count < Self.batch
      }
      return entries
    }
  }

  private func entry(_ name: String, _ inode: InodeNumber, _ cookie: UInt64) -> DirectoryEntry {
    DirectoryEntry(name: [UInt8](name.utf8), inode: inode, type: Mode.directory, cookie: cookie)
  }
}
