import Ledger
public import Store
public import SystemIO
import Tree

extension FileSystem {
  /// Reads up to the end of the file and returns how many bytes there were.
  ///
  /// - Parameter mayBlock: without it, `wouldBlock` is thrown where the disk would have to be waited for.
  public func read(
    _ inode: InodeNumber, at offset: UInt64, into target: UnsafeMutableRawBufferPointer, mayBlock: Bool = true
  ) throws(Errno) -> Int {
    var previous: [FileExtent]?
    while true {
      let plan = try plan(inode, offset, target.count)
      if plan.count == 0 { return 0 }
      do throws(LedgerError) {
        try read(plan, into: UnsafeMutableRawBufferPointer(rebasing: target[..<plan.count]), mayBlock: mayBlock)
        return plan.count
      } catch {
        // A block that was replaced after the look-up may have been collected. Only one that is still in use is
        // damaged.
        if case .damaged = error, plan.extents != previous {
          previous = plan.extents
          continue
        }
        throw Errno(error)
      }
    }
  }

  private struct ReadPlan {
    var range: PageRange
    var extents: [FileExtent]
    var count: Int { range.count }
  }

  private func plan(_ inode: InodeNumber, _ offset: UInt64, _ count: Int) throws(Errno) -> ReadPlan {
    let plan = try reading { (tree) throws(TreeError) -> ReadPlan? in
      guard let item = try tree.inode(inode) else { return nil }
      let available = item.size > offset ? Int(min(UInt64(count), item.size - offset)) : 0
      let range = PageRange(offset: offset, count: available)
      return ReadPlan(range: range, extents: try tree.extents(of: inode, range.pages))
    }
    guard let plan else { throw .stale }
    return plan
  }

  private func read(
    _ plan: ReadPlan, into target: UnsafeMutableRawBufferPointer, mayBlock: Bool
  ) throws(LedgerError) {
    var done = plan.range.offset
    for extent in plan.extents {
      let start = max(plan.range.offset, extent.page * UInt64(pageSize))
      let end = min(plan.range.end, extent.end * UInt64(pageSize))
      target.zero(from: done - plan.range.offset, to: start - plan.range.offset)
      let part = UnsafeMutableRawBufferPointer(
        rebasing: target[Int(start - plan.range.offset)..<Int(end - plan.range.offset)])
      try read(extent, PageRange(offset: start, count: part.count), into: part, mayBlock: mayBlock)
      done = end
    }
    target.zero(from: done - plan.range.offset, to: UInt64(target.count))
  }

  /// Reads part of one extent: whole pages straight into their place, the pages at both ends that are wanted in part
  /// through a page aside.
  private func read(
    _ extent: FileExtent, _ range: PageRange, into target: UnsafeMutableRawBufferPointer, mayBlock: Bool
  ) throws(LedgerError) {
    var page = range.firstPage
    var done = 0
    while done < target.count {
      let inPage = done == 0 ? range.headOffset : 0
      let whole = inPage == 0 ? UInt64((target.count - done) / pageSize) : 0
      if whole > 0 {
        let pages = min(whole, 256)
        guard let part = extent.clamped(to: page..<page + pages) else {
          preconditionFailure("the extent holds the range")
        }
        let bytes = UnsafeMutableRawBufferPointer(rebasing: target[done..<done + Int(pages) * pageSize])
        try volume.readBlocks(part.item, into: bytes, mayBlock: mayBlock)
        page += pages
        done += bytes.count
      } else {
        guard let part = extent.clamped(to: page..<page + 1) else { preconditionFailure("the extent holds the range") }
        let count = min(pageSize - inPage, target.count - done)
        let bytes = UnsafeMutableRawBufferPointer(rebasing: target[done..<done + count])
        try readPart(of: part.item, from: inPage, into: bytes, mayBlock: mayBlock)
        page += 1
        done += count
      }
    }
  }

  private func readPart(
    of block: ExtentItem, from offset: Int, into target: UnsafeMutableRawBufferPointer, mayBlock: Bool
  ) throws(LedgerError) {
    try withUnsafeTemporaryAllocationTyped(byteCount: pageSize) { (page) throws(LedgerError) in
      try volume.readBlocks(block, into: page, mayBlock: mayBlock)
      target.copyMemory(
        from: UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(page)[offset..<offset + target.count]))
    }
  }

  /// Bytes of an inode's pages from `fromPage` on, whatever the inode's size says: the values that stand behind the
  /// content.
  func readAll(_ inode: InodeNumber, fromPage: UInt64, count: Int) throws(Errno) -> [UInt8] {
    let range = PageRange(offset: fromPage * UInt64(pageSize), count: count)
    let extents = try reading { (tree) throws(TreeError) in try tree.extents(of: inode, range.pages) }
    let buffer = PageBuffer(pages: range.pages.count)
    do throws(LedgerError) {
      try read(ReadPlan(range: range, extents: extents), into: .init(rebasing: buffer.bytes[..<count]), mayBlock: true)
    } catch {
      throw Errno(error)
    }
    return [UInt8](buffer.bytes[..<count])
  }
}

extension UnsafeMutableRawBufferPointer {
  fileprivate func zero(from start: UInt64, to end: UInt64) {
    guard start < end else { return }
    UnsafeMutableRawBufferPointer(rebasing: self[Int(start)..<Int(end)]).initializeMemory(as: UInt8.self, repeating: 0)
  }
}
