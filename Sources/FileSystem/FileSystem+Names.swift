public import Store
public import SystemIO
import Tree

/// Making and removing names.
extension FileSystem {
  public func mknod(
    _ parent: InodeNumber, _ name: [UInt8], mode: UInt32, device: UInt32, _ credentials: Credentials
  ) throws(Errno) -> Attributes {
    try make(.create, parent, name, credentials) { (_, item) in
      item.mode = mode
      item.device = device
    }
  }

  public func mkdir(
    _ parent: InodeNumber, _ name: [UInt8], mode: UInt32, _ credentials: Credentials
  ) throws(Errno) -> Attributes {
    try make(.makeDirectory, parent, name, credentials) { (_, item) in
      item.mode = Mode.directory | mode & Mode.permissionMask
      item.links = 2
    }
  }

  public func symlink(
    _ parent: InodeNumber, _ name: [UInt8], target: [UInt8], _ credentials: Credentials
  ) throws(Errno) -> Attributes {
    guard !target.isEmpty else { throw .noSuchFile }
    guard target.count < 4096 else { throw .nameTooLong }
    return try make(.symbolicLink, parent, name, credentials) { (transaction, item) in
      item.mode = Mode.symbolicLink | 0o777
      transaction.putTarget(target, &item)
    }
  }

  /// Makes a file without a name; `link` can give it one. It goes with its last user.
  public func tmpfile(_ parent: InodeNumber, mode: UInt32, _ credentials: Credentials) throws(Errno) -> Attributes {
    let number = volume.store.makeInodeNumber()
    let attributes = try volume.transaction(.create) { (transaction) throws(Errno) in
      let directory = try transaction.directory(parent)
      var new = NewInode(number: number, item: directory.newChild(credentials, transaction.time))
      new.item.mode = mode
      new.item.links = 0
      try transaction.inheritPermissions(&new, from: parent, credentials)
      transaction.put(new.item, number)
      transaction.put(.orphan(number), [])
      transaction.mutation.inodes = 1
      return Attributes(number, new.item)
    }
    _ = references.becameNameless(number)
    return attributes
  }

  private func make(
    _ kind: RecordKind, _ parent: InodeNumber, _ name: [UInt8], _ credentials: Credentials,
    _ describe: (inout Transaction, inout NewInode) -> Void
  ) throws(Errno) -> Attributes {
    let number = volume.store.makeInodeNumber()
    return try volume.transaction(kind) { (transaction) throws(Errno) in
      var directory = try transaction.directory(parent)
      var new = NewInode(number: number, item: directory.newChild(credentials, transaction.time))
      describe(&transaction, &new)
      try transaction.inheritPermissions(&new, from: parent, credentials)
      // In a directory with set-group-ID the group is handed down, and by directories the bit itself (inode(7)).
      if directory.mode & Mode.setGroup != 0, new.item.isDirectory { new.item.mode |= Mode.setGroup }
      try transaction.addName(name, of: number, type: new.item.type, to: parent)
      transaction.put(new.item, number)
      if new.item.isDirectory { directory.links += 1 }
      directory.touch(transaction.time)
      transaction.put(directory, parent)
      transaction.mutation.inodes = 1
      return Attributes(number, new.item)
    }
  }

  public func link(_ inode: InodeNumber, _ parent: InodeNumber, _ name: [UInt8]) throws(Errno) -> Attributes {
    let attributes = try volume.transaction(.link) { (transaction) throws(Errno) in
      var directory = try transaction.directory(parent)
      var item = try transaction.inode(inode)
      guard !item.isDirectory else { throw Errno.notPermitted }
      guard item.links < 65000 else { throw Errno.tooManyLinks }
      try transaction.addName(name, of: inode, type: item.type, to: parent)
      if item.links == 0 { transaction.remove(.orphan(inode)) }
      item.links += 1
      item.changed = transaction.time
      transaction.put(item, inode)
      directory.touch(transaction.time)
      transaction.put(directory, parent)
      return Attributes(inode, item)
    }
    references.isNotNameless(inode)
    return attributes
  }

  public func unlink(_ parent: InodeNumber, _ name: [UInt8]) throws(Errno) {
    let nameless = try volume.transaction(.unlink) { (transaction) throws(Errno) -> InodeNumber? in
      var directory = try transaction.directory(parent)
      let dentry = try transaction.dentry(name, in: parent)
      guard dentry.item.type != Mode.directory else { throw Errno.isDirectory }
      try transaction.removeName(dentry.key, dentry.item, from: parent)
      let isNameless = try transaction.dropLink(dentry.item.inode)
      directory.touch(transaction.time)
      transaction.put(directory, parent)
      return isNameless ? dentry.item.inode : nil
    }
    if let nameless { becameNameless(nameless) }
  }

  public func rmdir(_ parent: InodeNumber, _ name: [UInt8]) throws(Errno) {
    let inode = try volume.transaction(.removeDirectory) { (transaction) throws(Errno) -> InodeNumber in
      var directory = try transaction.directory(parent)
      let dentry = try transaction.dentry(name, in: parent)
      guard dentry.item.type == Mode.directory else { throw Errno.notDirectory }
      guard try transaction.isEmpty(dentry.item.inode) else { throw Errno.directoryNotEmpty }
      try transaction.removeName(dentry.key, dentry.item, from: parent)
      try transaction.dropDirectory(dentry.item.inode)
      directory.links -= 1
      directory.touch(transaction.time)
      transaction.put(directory, parent)
      return dentry.item.inode
    }
    becameNameless(inode)
  }
}

/// An inode that is being made.
@dynamicMemberLookup
struct NewInode {
  let number: InodeNumber
  var item: InodeItem

  subscript<Value>(dynamicMember path: WritableKeyPath<InodeItem, Value>) -> Value {
    get { item[keyPath: path] }
    set { item[keyPath: path] = newValue }
  }
}
