public import Tree

/// The number of a file, directory or other object; unique in the store and never used again.
public typealias InodeNumber = UInt64

/// What an entry of a fork's tree describes. The kind is in the upper 8 bits of the key's `item`, so all entries of an inode lie together,
/// its extents last.
public enum ItemKind: UInt8, Sendable {
  case inode = 1
  /// From an inode to a name it has.
  case backReference = 2
  /// From a directory to one of its entries.
  case dentry = 3
  case extendedAttribute = 4
  case symbolicLink = 5
  /// From a page of a file to its blocks.
  case extent = 6
}

extension TreeKey {
  private static let subMask: UInt64 = (1 << 56) - 1

  @inline(__always)
  public init(_ inode: InodeNumber, _ kind: ItemKind, _ sub: UInt64 = 0) {
    precondition(sub <= Self.subMask, "a key has 56 bits below its kind")
    self.init(inode, UInt64(kind.rawValue) << 56 | sub)
  }

  /// The kind of the entry; nil for an unknown one, and for an orphan.
  public var kind: ItemKind? { object == 0 ? nil : ItemKind(rawValue: UInt8(item >> 56)) }
  public var sub: UInt64 { item & Self.subMask }

  /// All entries of one inode.
  public static func range(of inode: InodeNumber) -> ClosedRange<TreeKey> {
    TreeKey(inode, 0)...TreeKey(inode, .max)
  }

  /// All entries of one kind of an inode.
  public static func range(of inode: InodeNumber, _ kind: ItemKind) -> ClosedRange<TreeKey> {
    TreeKey(inode, kind)...TreeKey(inode, kind, subMask)
  }

  /// The note that an inode has no name any more and waits for its last user to go. Object 0 is no inode.
  public static func orphan(_ inode: InodeNumber) -> TreeKey { TreeKey(0, inode) }

  public static let orphans = TreeKey(0, 0)...TreeKey(0, .max)
}
