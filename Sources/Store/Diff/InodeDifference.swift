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
  var oldExtents: [FileExtent] = []
  var newExtents: [FileExtent] = []
  var extendedAttributesChanged = false
  var targetChanged = false

  init(_ inode: InodeNumber) { self.inode = inode }

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
    case .symbolicLink: targetChanged = true
    case .extent where change.key.sub >= ExtendedAttributeItem.firstContentPage: extendedAttributesChanged = true
    case .extent:
      let decoder = { (bytes: UnsafeRawBufferPointer) throws(DecodingFailure) in try ExtentItem(decoding: bytes) }
      if let item = try decode(change.key, change.old, decoder) {
        oldExtents.append(FileExtent(page: change.key.sub, item: item))
      }
      if let item = try decode(change.key, change.new, decoder) {
        newExtents.append(FileExtent(page: change.key.sub, item: item))
      }
    case .dentry, nil: break
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

  /// The attributes that differ, times and link counts left out.
  var changedAttributes: [Change.Attribute] {
    guard let old = oldItem, let new = newItem else { return [] }
    var changed: [Change.Attribute] = []
    if old.mode != new.mode { changed.append(.mode) }
    if old.owner != new.owner { changed.append(.owner) }
    if old.group != new.group { changed.append(.group) }
    if old.size != new.size, !new.isDirectory { changed.append(.size) }
    if old.device != new.device { changed.append(.device) }
    if extendedAttributesChanged { changed.append(.extendedAttributes) }
    return changed
  }
}
