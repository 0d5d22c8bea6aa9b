public import Ledger
public import SystemIO
public import Tree

/// A run of a file's pages whose blocks lie in consecutive slots: reference u64, count u32. Its key is the inode and
/// the first page.
public struct ExtentItem: Hashable, Sendable {
  public var first: BlockReference
  public var count: UInt32

  public init(first: BlockReference, count: UInt32) {
    self.first = first
    self.count = count
  }

  public func encoded() -> [UInt8] {
    var writer = ByteWriter(reserving: 12)
    writer.integer(first.packed)
    writer.integer(count)
    return writer.bytes
  }

  public init(decoding bytes: UnsafeRawBufferPointer) throws(DecodingFailure) {
    var reader = ByteReader(bytes)
    first = BlockReference(packed: try reader.integer())
    count = try reader.integer()
    guard reader.remaining == 0, isValid else { throw DecodingFailure("an extent is malformed") }
  }

  /// Whether its slots can be numbered.
  var isValid: Bool { count > 0 && UInt64(first.slot) + UInt64(count) <= UInt64(UInt32.max) }
}

/// An extent with its place in the file.
public struct FileExtent: Hashable, Sendable {
  public var page: UInt64
  public var item: ExtentItem

  public init(page: UInt64, item: ExtentItem) {
    self.page = page
    self.item = item
  }

  public var end: UInt64 { page + UInt64(item.count) }

  /// The part of it that lies in `range`; nil where they do not meet.
  public func clamped(to range: Range<UInt64>) -> FileExtent? {
    let start = max(page, range.lowerBound)
    let end = min(end, range.upperBound)
    guard start < end else { return nil }
    return FileExtent(
      page: start,
      item: ExtentItem(first: item.first.advanced(by: Int(start - page)), count: UInt32(end - start)))
  }
}

extension NodePool {
  /// The extents that meet a range of pages, clamped to it; the first `limit` of them. Runs inside `reading` or `writing`.
  public func extents(
    of inode: InodeNumber, _ range: Range<UInt64>, atMost limit: Int = .max, in tree: Tree
  ) throws(TreeError) -> [FileExtent] {
    guard !range.isEmpty else { return [] }
    var found: [FileExtent] = []
    var start = TreeKey(inode, .extent, range.lowerBound)
    // The extent that begins before the range may reach into it.
    if let before = try floor(start, in: tree), before.key.object == inode, before.key.kind == .extent {
      start = before.key
    }
    try scan(from: start, through: TreeKey(inode, .extent, range.upperBound - 1), in: tree) {
      (key, value) throws(TreeError) in
      let extent = FileExtent(
        page: key.sub, item: try decoding(key) { () throws(DecodingFailure) in try ExtentItem(decoding: value) })
      if let part = extent.clamped(to: range) { found.append(part) }
      return found.count < limit
    }
    return found
  }
}

/// Decodes an entry, and names it where it is damaged.
func decoding<Item>(
  _ key: TreeKey, _ body: () throws(DecodingFailure) -> Item
) throws(TreeError) -> Item {
  do throws(DecodingFailure) { return try body() } catch { throw .damaged("entry \(key): \(error)") }
}
