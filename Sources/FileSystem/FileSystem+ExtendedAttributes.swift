public import Store
public import SystemIO
import Tree

/// Extended attributes, xattr(7).
extension FileSystem {
  private static let longestValue = 65536
  /// Flags of setxattr(2).
  private static let create: Int32 = 1
  private static let replace: Int32 = 2
  /// Where names are free. In `system.` there are access control lists only.
  private static let namespaces = ["user.", "trusted.", "security."].map { [UInt8]($0.utf8) }
  private static let accessControlLists = [AccessControlList.accessName, AccessControlList.defaultName]

  /// Whether a file can have an attribute of this name.
  public static func supportsAttribute(_ name: [UInt8]) -> Bool {
    do {
      try check(name)
      return true
    } catch {
      return false
    }
  }

  /// The mode of a file that must go without its access control list: the group may do what the list allowed it. In a mode that
  /// belongs to a list its place is taken by what all groups and named users may do at most.
  public static func mode(_ mode: UInt32, withoutList list: [UInt8]) -> UInt32 {
    guard let list = AccessControlList(decoding: list) else { return mode & ~0o070 }
    return mode & ~0o070 | mode & list.owningGroupPermissions << 3
  }

  private static func check(_ name: [UInt8]) throws(Errno) {
    guard name.count <= longestName else { throw .outOfRange }
    if accessControlLists.contains(name) { return }
    guard let namespace = namespaces.first(where: { name.starts(with: $0) }) else { throw .notSupported }
    guard name.count > namespace.count else { throw .invalidArgument }
  }

  public func getxattr(_ inode: InodeNumber, _ name: [UInt8]) throws(Errno) -> [UInt8] {
    try Self.check(name)
    guard let value = try volume.extendedAttribute(name, of: inode) else { throw .noData }
    return value
  }

  public func listxattr(_ inode: InodeNumber) throws(Errno) -> [[UInt8]] {
    try reading { (tree) throws(TreeError) in try tree.attributes(of: inode).map(\.item.name) }
  }

  /// Sets an attribute. An access control list changes the mode too.
  ///
  /// - Parameter clearsSetGroup: with a list, clear the set-group-ID bit, which the caller may not keep.
  public func setxattr(
    _ inode: InodeNumber, _ name: [UInt8], _ value: [UInt8], flags: Int32 = 0, clearsSetGroup: Bool = false
  ) throws(Errno) {
    try Self.check(name)
    guard value.count <= Self.longestValue else { throw .argumentListTooLong }
    guard flags & ~(Self.create | Self.replace) == 0 else { throw .invalidArgument }
    try volume.transaction(.setExtendedAttribute) { (transaction) throws(Errno) in
      var item = try transaction.inode(inode)
      let old = try transaction.attribute(name, of: inode)
      if old != nil, flags & Self.create != 0 { throw Errno.exists }
      if old == nil, flags & Self.replace != 0 { throw Errno.noData }
      var isKept = true
      if name == AccessControlList.accessName {
        isKept = try transaction.setMode(of: &item, from: value, clearsSetGroup: clearsSetGroup)
      }
      if isKept {
        try transaction.putAttribute(name, value, of: inode)
      } else if let old {
        transaction.removeAttribute(old)
      }
      item.changed = transaction.time
      transaction.put(item, inode)
    }
  }

  /// Removes an attribute. A file always has an access control list: at least the one that its mode is.
  public func removexattr(_ inode: InodeNumber, _ name: [UInt8]) throws(Errno) {
    try Self.check(name)
    try volume.transaction(.removeExtendedAttribute) { (transaction) throws(Errno) in
      var item = try transaction.inode(inode)
      guard let old = try transaction.attribute(name, of: inode) else {
        if Self.accessControlLists.contains(name) { return }
        throw Errno.noData
      }
      transaction.removeAttribute(old)
      item.changed = transaction.time
      transaction.put(item, inode)
    }
  }
}

extension Volume {
  /// The value of an attribute; nil where there is none of that name.
  func extendedAttribute(_ name: [UInt8], of inode: InodeNumber) throws(Errno) -> [UInt8]? {
    let keys = store.nameHash.keys(inode, .extendedAttribute, name)
    return try value { (tree) throws(TreeError) in
      guard let item = try tree.attribute(keys, named: name)?.item else { return .absent }
      guard item.contentPage != 0 else { return .short(item.value) }
      let range = PageRange(offset: item.contentPage * UInt64(pageSize), count: item.length)
      return .long(ReadPlan(range: range, extents: try tree.extents(of: inode, range.pages)))
    }
  }
}

extension TreeReader {
  typealias Attribute = (key: TreeKey, item: ExtendedAttributeItem)

  func attribute(_ keys: ClosedRange<TreeKey>, named name: [UInt8]) throws(TreeError) -> Attribute? {
    try attributes(keys).first { $0.item.name == name }
  }

  func attributes(of inode: InodeNumber) throws(TreeError) -> [Attribute] {
    try attributes(TreeKey.range(of: inode, .extendedAttribute))
  }

  private func attributes(_ keys: ClosedRange<TreeKey>) throws(TreeError) -> [Attribute] {
    var found: [Attribute] = []
    try scan(keys) { (key, value) throws(TreeError) in
      do throws(DecodingFailure) { found.append((key, try ExtendedAttributeItem(decoding: value))) } catch {
        throw .damaged("entry \(key): \(error)")
      }
      return true
    }
    return found
  }
}

extension Transaction {
  func attribute(_ name: [UInt8], of inode: InodeNumber) throws(Errno) -> TreeReader.Attribute? {
    let keys = volume.store.nameHash.keys(inode, .extendedAttribute, name)
    return try reading { (tree) throws(TreeError) in try tree.attribute(keys, named: name) }
  }

  /// Sets an attribute, in place of one of that name.
  mutating func putAttribute(_ name: [UInt8], _ value: [UInt8], of inode: InodeNumber) throws(Errno) {
    let key: TreeKey
    if let old = try attribute(name, of: inode) {
      removeAttribute(old)
      key = old.key
    } else {
      key = try freeKey(volume.store.nameHash.keys(inode, .extendedAttribute, name))
    }
    if value.count <= ExtendedAttributeItem.longestInline {
      return put(key, ExtendedAttributeItem(name: name, value: value).encoded())
    }
    let page = try freeContentPage(inode)
    put(key, ExtendedAttributeItem(name: name, contentPage: page, length: value.count).encoded())
    _ = putPages(value, of: inode, from: page)
  }

  /// Removes an attribute, and the pages of a long value.
  mutating func removeAttribute(_ attribute: TreeReader.Attribute) {
    remove(attribute.key)
    guard attribute.item.contentPage != 0 else { return }
    mutation.add(
      .unmap(
        attribute.key.object, page: attribute.item.contentPage, count: ExtendedAttributeItem.contentPages))
  }

  /// The first of sixteen pages behind a file's content that no value has or is getting.
  func freeContentPage(_ inode: InodeNumber) throws(Errno) -> UInt64 {
    var used = try reading { (tree) throws(TreeError) in
      Set(try tree.attributes(of: inode).map(\.item.contentPage))
    }
    for edit in mutation.edits {
      switch edit {
      case .map(inode, let page, _, _), .unmap(inode, let page, _):
        used.insert(page / ExtendedAttributeItem.contentPages * ExtendedAttributeItem.contentPages)
      default: break
      }
    }
    var page = ExtendedAttributeItem.firstContentPage
    while used.contains(page) { page += ExtendedAttributeItem.contentPages }
    return page
  }
}
