public import Store
public import SystemIO
import Tree

extension FileSystem {
  /// Flags of renameat2(2).
  private static let noReplace: UInt32 = 1
  private static let exchange: UInt32 = 2
  private static let whiteout: UInt32 = 4

  /// - Parameter credentials: whose a whiteout is, which RENAME_WHITEOUT leaves under the old name.
  /// - Returns: the directories whose ".." leads to another directory now.
  @discardableResult
  public func rename(
    _ parent: InodeNumber, _ name: [UInt8], to newParent: InodeNumber, _ newName: [UInt8], flags: UInt32 = 0,
    _ credentials: Credentials
  ) throws(Errno) -> [InodeNumber] {
    guard flags & ~(Self.noReplace | Self.exchange | Self.whiteout) == 0 else { throw .invalidArgument }
    if flags & Self.exchange != 0, flags != Self.exchange { throw .invalidArgument }
    let whiteout = flags & Self.whiteout != 0 ? Whiteout(volume.store.makeInodeNumber(), credentials) : nil
    let result = try volume.transaction(.rename) { (transaction) throws(Errno) -> RenameResult in
      var rename = try Rename(transaction, parent, name, newParent, newName, whiteout)
      guard let target = rename.target else {
        guard flags & Self.exchange == 0 else { throw Errno.noSuchFile }
        try rename.move(&transaction)
        return RenameResult(moved: rename.movedDirectories)
      }
      guard flags & Self.noReplace == 0 else { throw Errno.exists }
      if target.item.inode == rename.source.item.inode { return RenameResult() }
      if flags & Self.exchange != 0 {
        try rename.exchange(&transaction, with: target)
        return RenameResult(moved: rename.movedDirectories + rename.directories(target))
      }
      let isNameless = try rename.replace(&transaction, target)
      return RenameResult(nameless: isNameless ? target.item.inode : nil, moved: rename.movedDirectories)
    }
    if let nameless = result.nameless { becameNameless(nameless) }
    return result.moved
  }
}

/// What a rename led to.
private struct RenameResult {
  /// The inode that lost its last name.
  var nameless: InodeNumber?
  /// The directories that stand in another one now.
  var moved: [InodeNumber] = []
}

/// A character device 0/0 that hides what union file systems have below it under the same name.
private struct Whiteout {
  static let mode: UInt32 = 0o020000
  let number: InodeNumber
  let credentials: Credentials

  init(_ number: InodeNumber, _ credentials: Credentials) {
    self.number = number
    self.credentials = credentials
  }
}

/// One rename under way: the two directories (which may be one) and the entries in them.
private struct Rename {
  typealias Entry = (key: TreeKey, item: DentryItem)

  let oldParent: InodeNumber
  let newParent: InodeNumber
  let newName: [UInt8]
  let source: Entry
  let target: Entry?
  /// What takes the old name.
  private let whiteout: Whiteout?
  private var oldDirectory: InodeItem
  /// Meaningless where both directories are one.
  private var newDirectory: InodeItem
  private var isWithinOneDirectory: Bool { oldParent == newParent }
  private var movesDirectory: Bool { source.item.type == Mode.directory }
  var movedDirectories: [InodeNumber] { directories(source) }

  init(
    _ transaction: borrowing Transaction, _ parent: InodeNumber, _ name: [UInt8], _ newParent: InodeNumber,
    _ newName: [UInt8], _ whiteout: Whiteout?
  ) throws(Errno) {
    self.whiteout = whiteout
    oldParent = parent
    self.newParent = newParent
    self.newName = newName
    oldDirectory = try transaction.directory(parent)
    newDirectory = try transaction.directory(newParent)
    source = try transaction.dentry(name, in: parent)
    target = try transaction.findDentry(newName, in: newParent)
    if movesDirectory, parent != newParent {
      try transaction.requireNotInside(source.item.inode, newParent)
    }
    if let target, target.item.type == Mode.directory, parent != newParent {
      try transaction.requireNotInside(target.item.inode, parent, otherwise: .directoryNotEmpty)
    }
  }

  /// An entry's inode where it is a directory that comes to another one.
  func directories(_ entry: Entry) -> [InodeNumber] {
    entry.item.type == Mode.directory && !isWithinOneDirectory ? [entry.item.inode] : []
  }

  /// To a free name.
  mutating func move(_ transaction: inout Transaction) throws(Errno) {
    try transaction.addName(newName, of: source.item.inode, type: source.item.type, to: newParent)
    try leave(&transaction)
    if movesDirectory { moveLink() }
    try finish(&transaction)
  }

  /// To a name that an entry has, which goes. Returns whether that was its inode's last name.
  mutating func replace(_ transaction: inout Transaction, _ target: Entry) throws(Errno) -> Bool {
    let replacesDirectory = target.item.type == Mode.directory
    if movesDirectory, !replacesDirectory { throw .notDirectory }
    if !movesDirectory, replacesDirectory { throw .isDirectory }
    if replacesDirectory {
      guard try transaction.isEmpty(target.item.inode) else { throw .directoryNotEmpty }
      try transaction.dropDirectory(target.item.inode)
      moveLink()
      changeNewDirectory { $0.links -= 1 }
    }
    let isNameless = replacesDirectory ? true : try transaction.dropLink(target.item.inode)
    transaction.remove(try transaction.backReferenceKey(of: target.item.inode, newParent, newName))
    try point(target.key, at: source.item, &transaction)
    try leave(&transaction)
    try finish(&transaction)
    return isNameless
  }

  /// Takes the old name away from the source.
  private func leave(_ transaction: inout Transaction) throws(Errno) {
    guard let whiteout else { return try transaction.removeName(source.key, source.item, from: oldParent) }
    var new = NewInode(number: whiteout.number, item: oldDirectory.newChild(whiteout.credentials, transaction.time))
    new.item.mode = Whiteout.mode
    try transaction.inheritPermissions(&new, from: oldParent, whiteout.credentials)
    transaction.remove(try transaction.backReferenceKey(of: source.item.inode, oldParent, source.item.name))
    try transaction.point(source.key, source.item.name, in: oldParent, at: new.number, type: new.item.type)
    transaction.put(new.item, new.number)
    transaction.mutation.inodes = 1
  }

  /// Both entries swap what they stand for.
  mutating func exchange(_ transaction: inout Transaction, with target: Entry) throws(Errno) {
    transaction.remove(try transaction.backReferenceKey(of: source.item.inode, oldParent, source.item.name))
    transaction.remove(try transaction.backReferenceKey(of: target.item.inode, newParent, newName))
    try point(target.key, at: source.item, &transaction)
    try transaction.point(
      source.key, source.item.name, in: oldParent, at: target.item.inode, type: target.item.type)
    if movesDirectory { moveLink() }
    if target.item.type == Mode.directory, !isWithinOneDirectory {
      newDirectory.links -= 1
      oldDirectory.links += 1
    }
    try transaction.touchChanged(target.item.inode)
    try finish(&transaction)
  }

  /// Lets the entry under the new name stand for the source.
  private func point(_ key: TreeKey, at item: DentryItem, _ transaction: inout Transaction) throws(Errno) {
    try transaction.point(key, newName, in: newParent, at: item.inode, type: item.type)
  }

  /// The ".." of a moved directory leaves one directory and comes to the other.
  private mutating func moveLink() {
    guard !isWithinOneDirectory else { return }
    oldDirectory.links -= 1
    newDirectory.links += 1
  }

  private mutating func changeNewDirectory(_ change: (inout InodeItem) -> Void) {
    if isWithinOneDirectory { change(&oldDirectory) } else { change(&newDirectory) }
  }

  private mutating func finish(_ transaction: inout Transaction) throws(Errno) {
    try transaction.touchChanged(source.item.inode)
    oldDirectory.touch(transaction.time)
    transaction.put(oldDirectory, oldParent)
    guard !isWithinOneDirectory else { return }
    newDirectory.touch(transaction.time)
    transaction.put(newDirectory, newParent)
  }
}

extension Transaction {
  fileprivate mutating func touchChanged(_ number: InodeNumber) throws(Errno) {
    var item = try inode(number)
    item.changed = time
    put(item, number)
  }

  /// That a directory is not `ancestor` or below it.
  fileprivate func requireNotInside(
    _ ancestor: InodeNumber, _ directory: InodeNumber, otherwise error: Errno = .invalidArgument
  ) throws(Errno) {
    var current = directory
    while current != FileSystem.rootInode {
      if current == ancestor { throw error }
      let child = current
      let parent = try reading { (tree) throws(TreeError) in try tree.parent(of: child) }
      guard let parent else { throw .inputOutput }
      current = parent
    }
    if ancestor == FileSystem.rootInode { throw error }
  }
}

extension TreeReader {
  /// The directory that a directory stands in; nil for the root.
  func parent(of directory: InodeNumber) throws(TreeError) -> InodeNumber? {
    var found: InodeNumber?
    try scan(TreeKey.range(of: directory, .backReference)) { (key, value) throws(TreeError) in
      do throws(DecodingFailure) { found = try BackReferenceItem(decoding: value).parent } catch {
        throw .damaged("entry \(key): \(error)")
      }
      return false
    }
    return found
  }
}
