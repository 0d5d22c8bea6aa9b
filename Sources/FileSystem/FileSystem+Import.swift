import Ledger
public import Store
public import SystemIO
import Tree

/// What an import knows of one entry of a directory before it adds it.
public struct ImportedEntry: Sendable {
  public var parent: InodeNumber
  public var name: [UInt8]
  /// All attributes; the link count of a directory counts its subdirectories already, and `pages` is counted here.
  public var item: InodeItem
  /// Of a symbolic link.
  public var target: [UInt8] = []
  public var extendedAttributes: [(name: [UInt8], value: [UInt8])] = []

  public init(parent: InodeNumber, name: [UInt8], item: InodeItem) {
    self.parent = parent
    self.name = name
    self.item = item
  }
}

/// Adding whole directories, with fewer records than a program would need that copies them: an entry with all it has, up to 1 MiB of content, is one.
/// Nobody else may use the fork meanwhile. The times and link counts of a parent are left alone: they come with the parent itself.
extension FileSystem {
  /// The most content that one record holds, in bytes.
  public static let largestImport = PreparedBlocks.maximumPages * pageSize

  /// Adds one entry with the first part of its content.
  ///
  /// - Parameter content: whole pages, zero behind the end of the file; at most `largestImport`.
  public func importEntry(_ entry: ImportedEntry, content: UnsafeRawBufferPointer) throws(Errno) -> InodeNumber {
    let number = volume.store.makeInodeNumber()
    try volume.transaction(.importEntry, preparing: content.isEmpty ? nil : content) { (transaction) throws(Errno) in
      var new = NewInode(number: number, item: entry.item)
      new.item.pages = content.isEmpty ? 0 : transaction.map(transaction.preparedPages, to: number, page: 0)
      if !entry.target.isEmpty { transaction.putTarget(entry.target, &new) }
      try transaction.addName(entry.name, of: number, type: entry.item.type, to: entry.parent)
      transaction.putAttributes(entry.extendedAttributes, of: number)
      transaction.put(new.item, number)
      transaction.mutation.inodes = 1
      transaction.mutation.pages = Int64(new.item.pages)
    }
    for attribute in entry.extendedAttributes where attribute.value.count > ExtendedAttributeItem.longestInline {
      try setxattr(number, attribute.name, attribute.value)
    }
    return number
  }

  /// Adds more content to a file that was imported with its final size.
  public func importContent(
    _ inode: InodeNumber, at offset: UInt64, _ content: UnsafeRawBufferPointer
  ) throws(Errno) {
    precondition(offset % UInt64(pageSize) == 0, "content is imported in whole pages")
    try volume.transaction(.importEntry, preparing: content) { (transaction) throws(Errno) in
      var item = try transaction.inode(inode)
      let stored = transaction.map(transaction.preparedPages, to: inode, page: offset / UInt64(pageSize))
      item.pages += stored
      transaction.put(item, inode)
      transaction.mutation.pages = Int64(stored)
    }
  }

  /// Gives an imported file one more name.
  public func importLink(_ inode: InodeNumber, _ parent: InodeNumber, _ name: [UInt8]) throws(Errno) {
    try volume.transaction(.importEntry) { (transaction) throws(Errno) in
      var item = try transaction.inode(inode)
      try transaction.addName(name, of: inode, type: item.type, to: parent)
      item.links += 1
      transaction.put(item, inode)
    }
  }

  /// Gives the root directory its attributes.
  public func importRoot(_ item: InodeItem, extendedAttributes: [(name: [UInt8], value: [UInt8])]) throws(Errno) {
    try volume.transaction(.importEntry) { (transaction) throws(Errno) in
      transaction.put(item, Self.rootInode)
      transaction.mutation.inodes = 1
    }
    for attribute in extendedAttributes { try setxattr(Self.rootInode, attribute.name, attribute.value) }
  }
}

extension Transaction {
  /// Gives a new inode its short attributes. Those of one hash take one key after the other.
  fileprivate mutating func putAttributes(_ attributes: [(name: [UInt8], value: [UInt8])], of inode: InodeNumber) {
    var used: Set<TreeKey> = []
    for attribute in attributes where attribute.value.count <= ExtendedAttributeItem.longestInline {
      var key = volume.store.nameHash.keys(inode, .extendedAttribute, attribute.name).lowerBound
      while !used.insert(key).inserted { key.item += 1 }
      put(key, ExtendedAttributeItem(name: attribute.name, value: attribute.value).encoded())
    }
  }
}
