import Ledger
import SystemIO

/// Compares the content of a file in two states where their extents differ.
struct PageComparison {
  let ledger: Ledger

  /// The pages whose bytes differ. The extents are those that are in one tree and not in the other; a page that neither
  /// list covers is the same in both.
  func differingPages(_ old: [FileExtent], _ new: [FileExtent]) throws(LedgerError) -> [Range<UInt64>] {
    var differing: [Range<UInt64>] = []
    try forEachDifference(old, new) { range in
      differing.join(range)
      return true
    }
    return differing
  }

  /// Whether any page differs.
  func differ(_ old: [FileExtent], _ new: [FileExtent]) throws(LedgerError) -> Bool {
    var differ = false
    try forEachDifference(old, new) { _ in
      differ = true
      return false
    }
    return differ
  }

  /// Gives ranges of pages that differ to `body`, in order, until it returns false.
  private func forEachDifference(
    _ old: [FileExtent], _ new: [FileExtent], _ body: (Range<UInt64>) -> Bool
  ) throws(LedgerError) {
    let bounds = Set((old + new).flatMap { [$0.page, $0.end] }).sorted()
    var oldCursor = old[...]
    var newCursor = new[...]
    for (start, end) in zip(bounds, bounds.dropFirst()) {
      let left = Self.part(&oldCursor, start..<end)
      let right = Self.part(&newCursor, start..<end)
      switch (left, right) {
      case (nil, nil): continue
      case (let left?, let right?):
        if left.item.first == right.item.first { continue }
        for page in start..<end where try differ(left, right, page) {
          guard body(page..<page + 1) else { return }
        }
      default:
        // Stored pages are never all zero, so they differ from a hole.
        guard body(start..<end) else { return }
      }
    }
  }

  /// The part of the extents that covers a range, which lies within one extent or between two.
  private static func part(_ extents: inout ArraySlice<FileExtent>, _ range: Range<UInt64>) -> FileExtent? {
    while let first = extents.first, first.end <= range.lowerBound { extents.removeFirst() }
    return extents.first?.clamped(to: range)
  }

  private func differ(_ left: FileExtent, _ right: FileExtent, _ page: UInt64) throws(LedgerError) -> Bool {
    let one = left.item.first.advanced(by: Int(page - left.page))
    let other = right.item.first.advanced(by: Int(page - right.page))
    if try ledger.digest(of: one) != ledger.digest(of: other) { return true }
    return try read(one) != read(other)
  }

  private func read(_ block: BlockReference) throws(LedgerError) -> [UInt8] {
    try withUnsafeTemporaryAllocationTyped(byteCount: blockSize) { (bytes) throws(LedgerError) in
      try ledger.readBlocks(block, count: 1, into: bytes, mayBlock: true)
      return [UInt8](bytes)
    }
  }
}

extension [Range<UInt64>] {
  /// Adds a range that does not begin before the last one ends, joined with it where they touch.
  mutating func join(_ range: Range<UInt64>) {
    if let last, last.upperBound == range.lowerBound {
      self[count - 1] = last.lowerBound..<range.upperBound
    } else {
      append(range)
    }
  }
}
