import Ledger
import Store
import SystemIO
import Tree

/// What was found to read, and the extents that hold it. What no extent covers is zero.
protocol Plan {
  var extents: [FileExtent] { get }
}

/// Bytes of an inode's pages.
struct ReadPlan: Plan {
  var range: PageRange
  var extents: [FileExtent]
  var count: Int { range.count }
}

/// A value that stands in the tree itself where it is short, or in pages.
enum StoredValue: Plan {
  case absent
  case short([UInt8])
  case long(ReadPlan)

  var extents: [FileExtent] { if case .long(let plan) = self { plan.extents } else { [] } }
}

extension Volume {
  /// Plans a reading and carries it out.
  ///
  /// A block that was replaced after the plan was made may have been collected before it was read; then it is planned again. Only
  /// one that is still in use is damaged.
  func carryOut<Found: Plan, Result>(
    _ plan: () throws(Errno) -> Found, _ body: (Found) throws(LedgerError) -> Result
  ) throws(Errno) -> Result {
    var previous: [FileExtent]?
    while true {
      let current = try plan()
      do throws(LedgerError) { return try body(current) } catch {
        guard case .damaged = error, current.extents != previous else { throw Errno(error) }
        previous = current.extents
      }
    }
  }

  /// Reads a value that `find` looks up; nil where there is none.
  func value(_ find: (TreeReader) throws(TreeError) -> StoredValue) throws(Errno) -> [UInt8]? {
    try carryOut { () throws(Errno) in
      do throws(TreeError) { return try reading(find) } catch { throw Errno(error) }
    } _: { (found) throws(LedgerError) in
      switch found {
      case .absent: return nil
      case .short(let bytes): return bytes
      case .long(let plan): return try bytes(plan)
      }
    }
  }

  private func bytes(_ plan: ReadPlan) throws(LedgerError) -> [UInt8] {
    let buffer = PageBuffer(pages: plan.range.pages.count)
    let bytes = UnsafeMutableRawBufferPointer(rebasing: buffer.bytes[..<plan.count])
    try read(plan, into: bytes)
    return [UInt8](bytes)
  }

  /// Reads what was planned.
  func read(
    _ plan: ReadPlan, into target: UnsafeMutableRawBufferPointer
  ) throws(LedgerError) {
    var done = plan.range.offset
    for extent in plan.extents {
      let start = max(plan.range.offset, extent.page * UInt64(pageSize))
      let end = min(plan.range.end, extent.end * UInt64(pageSize))
      target.zero(from: done - plan.range.offset, to: start - plan.range.offset)
      let part = UnsafeMutableRawBufferPointer(
        rebasing: target[Int(start - plan.range.offset)..<Int(end - plan.range.offset)])
      try read(extent, PageRange(offset: start, count: part.count), into: part)
      done = end
    }
    target.zero(from: done - plan.range.offset, to: UInt64(target.count))
  }

  /// Reads part of one extent: whole pages straight into their place, the pages at both ends that are wanted in part
  /// through a page aside.
  private func read(
    _ extent: FileExtent, _ range: PageRange, into target: UnsafeMutableRawBufferPointer
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
        try readBlocks(part.item, into: bytes)
        page += pages
        done += bytes.count
      } else {
        guard let part = extent.clamped(to: page..<page + 1) else { preconditionFailure("the extent holds the range") }
        let count = min(pageSize - inPage, target.count - done)
        let bytes = UnsafeMutableRawBufferPointer(rebasing: target[done..<done + count])
        try readPart(of: part.item, from: inPage, into: bytes)
        page += 1
        done += count
      }
    }
  }

  private func readPart(
    of block: ExtentItem, from offset: Int, into target: UnsafeMutableRawBufferPointer
  ) throws(LedgerError) {
    try withUnsafeTemporaryAllocationTyped(byteCount: pageSize) { (page) throws(LedgerError) in
      try readBlocks(block, into: page)
      target.copyMemory(
        from: UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(page)[offset..<offset + target.count]))
    }
  }
}

extension UnsafeMutableRawBufferPointer {
  fileprivate func zero(from start: UInt64, to end: UInt64) {
    guard start < end else { return }
    UnsafeMutableRawBufferPointer(rebasing: self[Int(start)..<Int(end)]).initializeMemory(as: UInt8.self, repeating: 0)
  }
}
