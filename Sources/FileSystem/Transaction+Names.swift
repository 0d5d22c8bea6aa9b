import Store
import SystemIO
import Tree

/// Steps that the calls on names share. What they look up is the state before the transaction.
extension Transaction {
  /// An inode that must be a directory with a name: nothing is added to one that was removed.
  func directory(_ number: InodeNumber) throws(Errno) -> InodeItem {
    let item = try inode(number)
    guard item.isDirectory else { throw .notDirectory }
    guard item.links > 0 else { throw .noSuchFile }
    return item
  }

  func findDentry(
    _ name: [UInt8], in parent: InodeNumber
  ) throws(Errno) -> (key: TreeKey, item: DentryItem)? {
    guard name.count <= FileSystem.longestName else { throw .nameTooLong }
    let keys = volume.store.nameHash.keys(parent, .dentry, name)
    return try reading { (tree) throws(TreeError) in try tree.dentry(keys, named: name) }
  }

  func dentry(_ name: [UInt8], in parent: InodeNumber) throws(Errno) -> (key: TreeKey, item: DentryItem) {
    guard let found = try findDentry(name, in: parent) else { throw .noSuchFile }
    return found
  }

  func isEmpty(_ directory: InodeNumber) throws(Errno) -> Bool {
    try reading { (tree) throws(TreeError) in
      try tree.scan(TreeKey.range(of: directory, .dentry)) { _, _ in false }
    }
  }

  /// Adds an entry and the reference back to it. The name must be free.
  mutating func addName(
    _ name: [UInt8], of inode: InodeNumber, type: UInt32, to parent: InodeNumber
  ) throws(Errno) {
    guard !name.isEmpty, !name.contains(0), !name.contains(UInt8(ascii: "/")), !name.isDots else {
      throw .invalidArgument
    }
    guard try findDentry(name, in: parent) == nil else { throw .exists }
    let key = try freeKey(volume.store.nameHash.keys(parent, .dentry, name))
    try point(key, name, in: parent, at: inode, type: type)
  }

  /// Lets the entry at a key stand for an inode, with the reference back to it.
  mutating func point(
    _ key: TreeKey, _ name: [UInt8], in parent: InodeNumber, at inode: InodeNumber, type: UInt32
  ) throws(Errno) {
    put(key, DentryItem(inode: inode, type: type, name: name).encoded())
    let backKey = try freeKey(volume.store.nameHash.backReferenceKeys(inode, parent: parent, name))
    put(backKey, BackReferenceItem(parent: parent, name: name).encoded())
  }

  /// Removes an entry and the reference back to it.
  mutating func removeName(_ key: TreeKey, _ dentry: DentryItem, from parent: InodeNumber) throws(Errno) {
    remove(key)
    remove(try backReferenceKey(of: dentry.inode, parent, dentry.name))
  }

  func backReferenceKey(
    of inode: InodeNumber, _ parent: InodeNumber, _ name: [UInt8]
  ) throws(Errno) -> TreeKey {
    let keys = volume.store.nameHash.backReferenceKeys(inode, parent: parent, name)
    let wanted = BackReferenceItem(parent: parent, name: name).encoded()
    let found = try reading { (tree) throws(TreeError) in
      var found: TreeKey?
      try tree.scan(keys) { key, value in
        guard value.elementsEqual(wanted) else { return true }
        found = key
        return false
      }
      return found
    }
    guard let found else { throw .inputOutput }
    return found
  }

  /// The least key of a range that no entry has. Edits of this transaction that remove keys in the range do not
  /// count, and none adds one.
  func freeKey(_ keys: ClosedRange<TreeKey>) throws(Errno) -> TreeKey {
    let free = try reading { (tree) throws(TreeError) in
      var next = keys.lowerBound
      try tree.scan(keys) { key, _ in
        guard key == next, next < keys.upperBound else { return false }
        next.item += 1
        return true
      }
      return try tree.find(next) == nil ? next : nil
    }
    // 256 names of one 48-bit hash in one directory.
    guard let free else { throw .noSpace }
    return free
  }

  /// Takes a link from a file; returns whether it was the last.
  mutating func dropLink(_ number: InodeNumber) throws(Errno) -> Bool {
    var item = try inode(number)
    guard item.links > 0 else { throw .inputOutput }
    item.links -= 1
    item.changed = time
    put(item, number)
    if item.links == 0 { put(.orphan(number), []) }
    return item.links == 0
  }

  /// Makes an empty directory nameless.
  mutating func dropDirectory(_ number: InodeNumber) throws(Errno) {
    var item = try inode(number)
    item.links = 0
    item.changed = time
    put(item, number)
    put(.orphan(number), [])
  }

  /// Puts the target of a symbolic link into the tree, or into blocks where it is long.
  mutating func putTarget(_ target: [UInt8], _ new: inout NewInode) {
    new.item.size = UInt64(target.count)
    if target.count <= Tree.maximumValueLength {
      put(TreeKey(new.number, .symbolicLink), target)
    } else {
      new.item.pages = putPages(target, of: new.number, from: 0)
      mutation.pages += Int64(new.item.pages)
    }
  }

  /// Stores bytes in pages of an inode, the last one filled up with zeros; returns how many pages are stored.
  mutating func putPages(_ bytes: [UInt8], of inode: InodeNumber, from page: UInt64) -> UInt64 {
    let padding = (pageSize - bytes.count % pageSize) % pageSize
    let part = (bytes + [UInt8](repeating: 0, count: padding)).withUnsafeBytes { prepare($0) }
    return map(part, to: inode, page: page)
  }
}

extension InodeItem {
  /// A new inode in this directory: its owner, and the group that a set-group-ID directory hands down.
  func newChild(_ credentials: Credentials, _ time: Timestamp) -> InodeItem {
    InodeItem(
      mode: 0, owner: credentials.user, group: mode & Mode.setGroup != 0 ? group : credentials.group, links: 1,
      time: time)
  }

  /// Notes that a directory's entries changed.
  mutating func touch(_ time: Timestamp) {
    modified = time
    changed = time
  }
}
