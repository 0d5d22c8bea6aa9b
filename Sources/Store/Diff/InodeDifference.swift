import SystemIO
import Tree

/// Everything that differs between two trees at the keys of one inode.
struct InodeDifference {
  let inode: InodeNumber
  var oldItem: InodeItem?
  var newItem: InodeItem?
  /// Whether the inode's own entry is among the changes; where it is not, both trees have the same.
  var itemChanged = false
  var lostNames: [BackReferenceItem] = []
  var gainedNames: [BackReferenceItem] = []
  /// Of its content, those that the other tree has not.
  var oldExtents: [FileExtent] = []
  var newExtents: [FileExtent] = []
  /// Whether entries of extended attributes differ; their values may be the same.
  var extendedAttributesChanged = false

  init(_ inode: InodeNumber) { self.inode = inode }

  /// Whether both trees have the inode.
  var isInBoth: Bool { !itemChanged || oldItem != nil && newItem != nil }

  /// Whether more than times, names and link counts may differ, of an inode that both trees have.
  var isRelevant: Bool {
    if extendedAttributesChanged || !oldExtents.isEmpty || !newExtents.isEmpty { return true }
    guard let old = oldItem, let new = newItem else { return false }
    return !old.attributes(differingFrom: new).isEmpty
  }

  mutating func add(_ change: TreeChange) throws(TreeError) {
    switch change.key.kind {
    case .inode:
      itemChanged = true
      oldItem = try decode(change.key, change.old) { (bytes) throws(DecodingFailure) in try InodeItem(decoding: bytes) }
      newItem = try decode(change.key, change.new) { (bytes) throws(DecodingFailure) in try InodeItem(decoding: bytes) }
    case .backReference:
      let decoder = { (bytes: UnsafeRawBufferPointer) throws(DecodingFailure) in try BackReferenceItem(decoding: bytes)
      }
      if let name = try decode(change.key, change.old, decoder) { lostNames.append(name) }
      if let name = try decode(change.key, change.new, decoder) { gainedNames.append(name) }
    case .extendedAttribute: extendedAttributesChanged = true
    case .extent where change.key.sub >= ExtendedAttributeItem.firstContentPage: extendedAttributesChanged = true
    case .extent:
      let decoder = { (bytes: UnsafeRawBufferPointer) throws(DecodingFailure) in try ExtentItem(decoding: bytes) }
      if let item = try decode(change.key, change.old, decoder) {
        oldExtents.append(FileExtent(page: change.key.sub, item: item))
      }
      if let item = try decode(change.key, change.new, decoder) {
        newExtents.append(FileExtent(page: change.key.sub, item: item))
      }
    // An inode keeps the target that it was made with.
    case .symbolicLink, .dentry, nil: break
    }
  }

  private func decode<Item>(
    _ key: TreeKey, _ bytes: [UInt8]?, _ body: (UnsafeRawBufferPointer) throws(DecodingFailure) -> Item
  ) throws(TreeError) -> Item? {
    guard let bytes else { return nil }
    return try bytes.withUnsafeBytesTyped { (buffer) throws(TreeError) in
      try decoding(key) { () throws(DecodingFailure) in try body(buffer) }
    }
  }
}

extension InodeItem {
  /// The attributes that differ, times and link counts left out. Of directories and symbolic links the size counts for
  /// nothing.
  func attributes(differingFrom other: InodeItem) -> [Change.Attribute] {
    var changed: [Change.Attribute] = []
    if mode != other.mode { changed.append(.mode) }
    if owner != other.owner { changed.append(.owner) }
    if group != other.group { changed.append(.group) }
    if size != other.size, !isDirectory, !isSymbolicLink { changed.append(.size) }
    if device != other.device { changed.append(.device) }
    return changed
  }
}

extension NodePool {
  /// Gives what differs between two trees to `body`, inode by inode.
  func inodeDifferences(
    from old: Tree, to new: Tree, _ body: (InodeDifference) throws(TreeError) -> Void
  ) throws(TreeError) {
    var current: InodeDifference?
    var failure: TreeError?
    try difference(from: old, to: new) { change in
      // Object 0 holds the notes about inodes without names.
      guard change.key.object != 0 else { return true }
      do throws(TreeError) {
        if current?.inode != change.key.object {
          if let current { try body(current) }
          current = InodeDifference(change.key.object)
        }
        try current?.add(change)
      } catch {
        failure = error
        return false
      }
      return true
    }
    if let failure { throw failure }
    if let current { try body(current) }
  }
}
