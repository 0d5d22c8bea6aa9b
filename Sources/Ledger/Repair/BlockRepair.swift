import Synchronization
import SystemIO

/// Repairs blocks of a ledger, one after the other.
///
/// Where a block stands is taken from the record that brought it: what only the slot directory says might lead into something else, which must
/// not be written to.
public struct BlockRepair {
  private let ledger: Ledger
  /// What the records of the segment that was looked at last say of its slots.
  private var known: (segment: UInt32, slots: [Int: SlotEntry])?

  public init(_ ledger: Ledger) { self.ledger = ledger }

  /// Puts a damaged block right in its place: from an equal block in another slot, which costs a read, or by looking
  /// for a flipped bit. The search for duplicates knows what was stored lately, so a block may be stored more than
  /// once.
  ///
  /// What is written is proven by the block's digest. Its slot keeps its length, so a crash in the middle leaves bytes that are right or as they were.
  ///
  /// - Returns: how it was done, for a person; nil where it is not possible, and nothing was written.
  public mutating func repair(
    _ block: BlockReference, from equal: [BlockReference]
  ) throws(LedgerError) -> String? {
    guard let entry = try slot(block), entry.length > 0, Int(entry.length) <= blockSize else { return nil }
    let file = try ledger.segments.segment(block.segment).file
    for other in equal where other != block {
      guard let stored = storedBytes(equalTo: entry, in: other) else { continue }
      try onDisk { () throws(Errno) in
        try file.write(stored, at: entry.offset)
        try file.synchronize()
      }
      return "block \(block), from the equal block \(other)"
    }
    let isCorrected = try onDisk { () throws(Errno) in
      try file.correctFlippedBit(at: entry.offset, count: Int(entry.length)) { BlockCodec.restores($0, entry) }
    }
    return isCorrected ? "a flipped bit of block \(block)" : nil
  }

  /// The slot of a block, where directory and record agree on it.
  private mutating func slot(_ block: BlockReference) throws(LedgerError) -> SlotEntry? {
    guard let entry = try? ledger.segments.entries(block, count: 1, mayBlock: true)[0] else { return nil }
    if known?.segment != block.segment { known = (block.segment, try slots(ofRecordsIn: block.segment)) }
    return known?.slots[Int(block.slot)] == entry ? entry : nil
  }

  private func slots(ofRecordsIn segment: UInt32) throws(LedgerError) -> [Int: SlotEntry] {
    var slots: [Int: SlotEntry] = [:]
    var scanner = try SegmentScanner(ledger.segments.segment(segment))
    while true {
      switch try scanner.nextReadable(verifyingPayload: false) {
      case .record(let record, _, let entries): slots.add(entries, of: record)
      case .end:
        guard let footer = scanner.segment.footer, footer.lastLSN >= scanner.position.nextLSN,
          try scanner.skipDamage()
        else { return slots }
      case .invalid:
        guard try scanner.skipDamage() else { return slots }
      }
    }
  }

  /// What a slot has to hold, made from another one; nil where that one is damaged too, or is not stored in the same form.
  private func storedBytes(equalTo entry: SlotEntry, in other: BlockReference) -> [UInt8]? {
    let read = try? withUnsafeTemporaryAllocationTyped(byteCount: blockSize) { (target) throws(LedgerError) in
      try ledger.readBlocks(other, count: 1, into: target, mayBlock: true)
      return [UInt8](target)
    }
    guard let block = read else { return nil }
    var stored = block
    if entry.encoding == .lz4 {
      var compressed = [UInt8](repeating: 0, count: BlockCodec.worthwhile)
      let count = block.withUnsafeBytes { block in
        compressed.withUnsafeMutableBytes { BlockCodec.compress(block.baseAddress!, into: $0.baseAddress!) }
      }
      stored = Array(compressed.prefix(count ?? 0))
    }
    guard stored.count == Int(entry.length), stored.withUnsafeBytes({ BlockCodec.restores($0, entry) }) else {
      return nil
    }
    return stored
  }

  /// For each of these blocks the slots that say they hold the same bytes.
  public func findEqual(_ blocks: [BlockReference]) throws(LedgerError) -> [BlockReference: [BlockReference]] {
    var wanted: [Digest: [BlockReference]] = [:]
    for block in blocks {
      guard let digest = try? ledger.digest(of: block) else { continue }
      wanted[digest, default: []].append(block)
    }
    var found: [BlockReference: [BlockReference]] = [:]
    for number in try ledger.segments.numbers() {
      let count = (try? ledger.segments.slotCount(number)) ?? 0
      for first in stride(from: 0, to: count, by: SlotDirectory.chunkSlots) {
        let start = BlockReference(segment: number, slot: UInt32(first))
        // A chunk that is damaged tells nothing.
        guard
          let entries = try? ledger.segments.entries(
            start, count: min(SlotDirectory.chunkSlots, count - first), mayBlock: true)
        else { continue }
        for (index, entry) in entries.enumerated() {
          for block in wanted[entry.digest] ?? [] { found[block, default: []].append(start.advanced(by: index)) }
        }
      }
    }
    return found
  }
}
