import Ledger
public import SystemIO
public import Tree

// Names stand in the tree under a 48-bit hash, seeded with a secret of the store, with 8 bits behind it that tell
// names of the same hash apart. A new name takes the least free of them and keeps it, so the 56 bits serve as a
// directory's cookie, which stays valid whatever else is added or removed.

/// An entry of a directory: inode u64, type u8 (the upper 4 bits of the mode), name.
public struct DentryItem: Hashable, Sendable {
  public var inode: InodeNumber
  /// The type bits of the inode's mode.
  public var type: UInt32
  public var name: [UInt8]

  public init(inode: InodeNumber, type: UInt32, name: [UInt8]) {
    self.inode = inode
    self.type = type
    self.name = name
  }

  public func encoded() -> [UInt8] {
    var writer = ByteWriter(reserving: 9 + name.count)
    writer.integer(inode)
    writer.integer(UInt8(type >> 12))
    writer.raw(name)
    return writer.bytes
  }

  public init(decoding bytes: UnsafeRawBufferPointer) throws(DecodingFailure) {
    var reader = ByteReader(bytes)
    inode = try reader.integer()
    type = UInt32(try reader.integer(as: UInt8.self)) << 12
    name = [UInt8](try reader.bytes(reader.remaining))
  }
}

/// A name of an inode, seen from the inode: parent u64, name.
public struct BackReferenceItem: Hashable, Sendable {
  public var parent: InodeNumber
  public var name: [UInt8]

  public init(parent: InodeNumber, name: [UInt8]) {
    self.parent = parent
    self.name = name
  }

  public func encoded() -> [UInt8] {
    var writer = ByteWriter(reserving: 8 + name.count)
    writer.integer(parent)
    writer.raw(name)
    return writer.bytes
  }

  public init(decoding bytes: UnsafeRawBufferPointer) throws(DecodingFailure) {
    var reader = ByteReader(bytes)
    parent = try reader.integer()
    name = [UInt8](try reader.bytes(reader.remaining))
  }
}

/// An extended attribute: content page u64 (0: the value stands here), value length u32, name with its length, value.
/// A longer value stands in pages of the inode from `contentPage` on, far behind those of any file's content.
public struct ExtendedAttributeItem: Hashable, Sendable {
  public var name: [UInt8]
  public var value: [UInt8]
  public var contentPage: UInt64
  public var length: Int

  /// A longer value does not stand in the tree.
  public static let longestInline = 400
  /// Beyond the last page of a file of 2^63 bytes. The offset of each page up to the last one that values can take
  /// fits into 64 bits.
  public static let firstContentPage: UInt64 = 1 << 51
  /// No value begins behind it, so the end of its pages fits into 64 bits too.
  private static let lastContentPage: UInt64 = 2 * firstContentPage - 2 * contentPages
  /// The longest value, 64 KiB, in pages.
  public static let contentPages: UInt64 = 16

  public init(name: [UInt8], value: [UInt8]) {
    self.name = name
    self.value = value
    contentPage = 0
    length = value.count
  }

  public init(name: [UInt8], contentPage: UInt64, length: Int) {
    self.name = name
    value = []
    self.contentPage = contentPage
    self.length = length
  }

  public func encoded() -> [UInt8] {
    var writer = ByteWriter(reserving: 20 + name.count + value.count)
    writer.integer(contentPage)
    writer.integer(UInt32(length))
    writer.byteString(name)
    writer.raw(value)
    return writer.bytes
  }

  public init(decoding bytes: UnsafeRawBufferPointer) throws(DecodingFailure) {
    var reader = ByteReader(bytes)
    contentPage = try reader.integer()
    length = Int(try reader.integer(as: UInt32.self))
    name = try reader.byteString()
    value = [UInt8](try reader.bytes(reader.remaining))
    guard contentPage == 0 ? value.count == length : value.isEmpty && length <= 65536 else {
      throw DecodingFailure("the lengths of an extended attribute do not fit together")
    }
    guard contentPage == 0 || (Self.firstContentPage...Self.lastContentPage).contains(contentPage) else {
      throw DecodingFailure("the value of an extended attribute stands where none can")
    }
  }
}

/// The keys under which names stand.
public struct NameHash: Sendable {
  private let seed: UInt64

  init(seed: UInt64) { self.seed = seed }

  /// The 256 keys that a name can have in a directory, or as an attribute of an inode.
  public func keys(_ inode: InodeNumber, _ kind: ItemKind, _ name: [UInt8]) -> ClosedRange<TreeKey> {
    keys(inode, kind, hash: checksum(name, seed: seed))
  }

  /// The keys of an inode's back-reference to a name in a directory.
  public func backReferenceKeys(
    _ inode: InodeNumber, parent: InodeNumber, _ name: [UInt8]
  ) -> ClosedRange<TreeKey> {
    keys(inode, .backReference, hash: checksum(name, seed: seed &+ parent))
  }

  private func keys(_ inode: InodeNumber, _ kind: ItemKind, hash: UInt64) -> ClosedRange<TreeKey> {
    let first = (hash >> 16) << 8
    return TreeKey(inode, kind, first)...TreeKey(inode, kind, first | 0xff)
  }
}
