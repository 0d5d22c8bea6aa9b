import Ledger
import SystemIO
import Tree

/// Applies edits to a tree. These run inside `writing`.
extension NodePool {
  /// - Parameter firstBlock: the first of the record's own slots.
  func apply(_ edit: Edit, to tree: inout Tree, firstBlock: BlockReference) throws(TreeError) {
    switch edit {
    case .put(let key, let value):
      try value.withUnsafeBytesTyped { (bytes) throws(TreeError) in try put(key, bytes, in: &tree) }
    case .remove(let key): try remove(key, in: &tree)
    case .removeRange(let first, let last): try removeRange(from: first, through: last, in: &tree)
    case .map(let inode, let page, let count, let first):
      let isOwn = first.segment == BlockReference.ownSegment
      guard !isOwn || UInt64(firstBlock.slot) + UInt64(first.slot) + UInt64(count) <= UInt64(UInt32.max) else {
        throw .damaged("an extent of inode \(inode) leaves its segment")
      }
      let resolved = isOwn ? firstBlock.advanced(by: Int(first.slot)) : first
      try unmap(inode, page..<page + UInt64(count), in: &tree)
      try map(inode, FileExtent(page: page, item: ExtentItem(first: resolved, count: count)), in: &tree)
    case .unmap(let inode, let page, let count):
      try unmap(inode, page..<page + count, in: &tree)
    }
  }

  /// Puts an extent into a hole, joined with the one before where its slots go on.
  private func map(_ inode: InodeNumber, _ extent: FileExtent, in tree: inout Tree) throws(TreeError) {
    var extent = extent
    let key = TreeKey(inode, .extent, extent.page)
    if extent.page > 0, let before = try floor(key, in: tree), before.key.object == inode, before.key.kind == .extent {
      let item = try decoding(before.key) { () throws(DecodingFailure) in try ExtentItem(decoding: before.value) }
      let previous = FileExtent(page: before.key.sub, item: item)
      let continues =
        previous.end == extent.page && item.first.segment == extent.item.first.segment
        && UInt64(item.first.slot) + UInt64(item.count) == UInt64(extent.item.first.slot)
      let (sum, overflow) = item.count.addingReportingOverflow(extent.item.count)
      if continues, !overflow {
        extent = FileExtent(page: previous.page, item: ExtentItem(first: item.first, count: sum))
      }
    }
    try put(extent, of: inode, in: &tree)
  }

  /// Makes a hole: removes the extents within, and cuts those that reach out of it.
  private func unmap(_ inode: InodeNumber, _ range: Range<UInt64>, in tree: inout Tree) throws(TreeError) {
    let parts = try extents(of: inode, range, in: tree)
    guard let first = parts.first, let last = parts.last else { return }
    let head = first.page == range.lowerBound ? try whole(first.page, of: inode, in: tree) : nil
    let tail = try whole(last.page, of: inode, in: tree)
    try removeRange(
      from: TreeKey(inode, .extent, range.lowerBound), through: TreeKey(inode, .extent, range.upperBound - 1), in: &tree
    )
    if let head, let kept = head.clamped(to: 0..<range.lowerBound) { try put(kept, of: inode, in: &tree) }
    if let tail, let kept = tail.clamped(to: range.upperBound..<UInt64.max) { try put(kept, of: inode, in: &tree) }
  }

  /// The whole extent that holds a page.
  private func whole(_ page: UInt64, of inode: InodeNumber, in tree: Tree) throws(TreeError) -> FileExtent? {
    let key = TreeKey(inode, .extent, page)
    guard let found = try floor(key, in: tree), found.key.object == inode, found.key.kind == .extent else { return nil }
    let item = try decoding(found.key) { () throws(DecodingFailure) in try ExtentItem(decoding: found.value) }
    return FileExtent(page: found.key.sub, item: item)
  }

  private func put(_ extent: FileExtent, of inode: InodeNumber, in tree: inout Tree) throws(TreeError) {
    try extent.item.encoded().withUnsafeBytesTyped { (bytes) throws(TreeError) in
      try put(TreeKey(inode, .extent, extent.page), bytes, in: &tree)
    }
  }
}
