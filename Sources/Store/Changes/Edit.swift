public import Ledger
import SystemIO
public import Tree

// What a record does to the tree of its fork: edits, applied in their order. Recovery applies the same edits, and an edit depends on nothing but
// itself, the tree and the place of its record, so the same ledger always rebuilds the same trees.
//
//   1 put           object u64, item u64, value with its length u32
//   2 remove        object u64, item u64
//   3 remove range  object u64, item u64, object u64, item u64
//   4 map           inode u64, page u64, count u32, reference u64 (segment 2^32-1: the record's own slots)
//   5 unmap         inode u64, page u64, count u64

/// One change of a fork's tree.
public enum Edit: Hashable, Sendable {
  case put(TreeKey, [UInt8])
  case remove(TreeKey)
  case removeRange(TreeKey, TreeKey)
  /// Lets pages of a file refer to blocks in consecutive slots, in the place of whatever they referred to.
  case map(InodeNumber, page: UInt64, count: UInt32, first: BlockReference)
  /// Makes a hole.
  case unmap(InodeNumber, page: UInt64, count: UInt64)

  func encode(into writer: inout ByteWriter) {
    switch self {
    case .put(let key, let value):
      writer.integer(UInt8(1))
      writer.key(key)
      writer.byteString(value)
    case .remove(let key):
      writer.integer(UInt8(2))
      writer.key(key)
    case .removeRange(let first, let last):
      writer.integer(UInt8(3))
      writer.key(first)
      writer.key(last)
    case .map(let inode, let page, let count, let first):
      writer.integer(UInt8(4))
      writer.integer(inode)
      writer.integer(page)
      writer.integer(count)
      writer.integer(first.packed)
    case .unmap(let inode, let page, let count):
      writer.integer(UInt8(5))
      writer.integer(inode)
      writer.integer(page)
      writer.integer(count)
    }
  }

  static func decode(_ reader: inout ByteReader) throws(DecodingFailure) -> Edit {
    switch try reader.integer(as: UInt8.self) {
    case 1:
      let key = try reader.key()
      let value = try reader.byteString()
      guard value.count <= Tree.maximumValueLength else { throw DecodingFailure("a value is too long") }
      return .put(key, value)
    case 2: return .remove(try reader.key())
    case 3: return .removeRange(try reader.key(), try reader.key())
    case 4:
      let inode: UInt64 = try reader.integer()
      let page: UInt64 = try reader.integer()
      let count: UInt32 = try reader.integer()
      let first = BlockReference(packed: try reader.integer())
      try verify(page, UInt64(count))
      guard ExtentItem(first: first, count: count).isValid else { throw DecodingFailure("there are no such slots") }
      return .map(inode, page: page, count: count, first: first)
    case 5:
      let inode: UInt64 = try reader.integer()
      let page: UInt64 = try reader.integer()
      let count: UInt64 = try reader.integer()
      try verify(page, count)
      return .unmap(inode, page: page, count: count)
    case let unknown: throw DecodingFailure("edit \(unknown) is unknown")
    }
  }

  private static func verify(_ page: UInt64, _ count: UInt64) throws(DecodingFailure) {
    let (end, overflow) = page.addingReportingOverflow(count)
    guard count > 0, !overflow, end <= 1 << 55 else { throw DecodingFailure("a range of pages is malformed") }
  }
}

extension ByteWriter {
  mutating func key(_ key: TreeKey) {
    integer(key.object)
    integer(key.item)
  }
}

extension ByteReader {
  mutating func key() throws(DecodingFailure) -> TreeKey { TreeKey(try integer(), try integer()) }
}
