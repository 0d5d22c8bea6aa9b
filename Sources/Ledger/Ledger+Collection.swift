import Synchronization

/// What garbage collection and the search for duplicates tell each other.
struct CollectionState {
  /// While a collection marks: the segments in which a duplicate was found meanwhile. They stay.
  var touched: Set<UInt32>?
  /// Segments that were removed, or in which dead blocks were punched out, since the ledger was opened. The table of duplicates may still
  /// name their blocks.
  var swept: Set<UInt32> = []
}

/// The slots of one segment that something refers to, a bit each.
public struct LiveSlots: Sendable {
  private var words: [UInt64] = []

  public init() {}

  public mutating func insert(_ slots: Range<Int>) {
    while words.count * 64 < slots.upperBound { words.append(0) }
    for slot in slots { words[slot / 64] |= 1 << UInt64(slot % 64) }
  }

  public func contains(_ slot: Int) -> Bool {
    slot / 64 < words.count && words[slot / 64] & (1 << UInt64(slot % 64)) != 0
  }
}

/// What a sweep did.
public struct SweepReport: Sendable {
  public var removed = 0
  public var kept = 0
  /// Bytes that the disk got back.
  public var bytesFreed: UInt64 = 0
}

extension Ledger {
  /// Begins to note the segments in which duplicates are found. Called before the collection looks at its roots.
  public func beginMarking() { collection.withLock { $0.touched = [] } }

  /// Removes the segments that nothing refers to, and punches dead blocks out of those that are dead for the greater part. A segment in which a
  /// duplicate was found since `beginMarking` stays as it is. Stops noting.
  ///
  /// - Parameters:
  ///   - end: segments from here on stay: recovery reads them.
  ///   - live: the slots that something refers to, by segment.
  public func sweep(before end: UInt32, live: [UInt32: LiveSlots]) throws(LedgerError) -> SweepReport {
    var report = SweepReport()
    let old = try segments.numbers().filter { $0 < end }
    for number in old {
      let holes = try live[number].map { (live) throws(LedgerError) in try segments.deadRanges(number, live) }
      if let holes, holes.isEmpty { continue }
      guard claimForSweep(number) else { continue }
      let before = try segments.allocatedSize(number)
      if let holes {
        try segments.punch(number, holes)
        report.bytesFreed += before - min(before, try segments.allocatedSize(number))
      } else {
        try segments.remove(number)
        report.bytesFreed += before
        report.removed += 1
      }
    }
    if report.removed > 0 { try segments.synchronizeNames() }
    report.kept = try segments.numbers().count
    cancelMarking()
    return report
  }

  /// From now on no duplicate is found in the segment; false where one was found since the marking began.
  private func claimForSweep(_ segment: UInt32) -> Bool {
    collection.withLock { state in
      guard state.touched?.contains(segment) == false else { return false }
      state.swept.insert(segment)
      return true
    }
  }

  /// Gives up a collection.
  public func cancelMarking() { collection.withLock { $0.touched = nil } }

  /// Keeps a segment in which a duplicate was found; false where it was swept already.
  func keepFromCollection(_ segment: UInt32) -> Bool {
    collection.withLock { state in
      if state.swept.contains(segment) { return false }
      state.touched?.insert(segment)
      return true
    }
  }
}
