import SystemIO

extension Ledger {
  /// Throws where a segment does not have all of these slots.
  public func verifyPlace(of first: BlockReference, count: UInt32) throws(LedgerError) {
    guard try Int(first.slot) + Int(count) <= segments.slotCount(first.segment) else {
      throw .damaged("blocks \(first) to \(UInt64(first.slot) + UInt64(count) - 1) reach beyond their segment")
    }
  }

  /// Reads blocks that lie in consecutive slots, verifies each against its digest, and puts them one behind the other.
  ///
  /// - Parameters:
  ///   - target: room for `count` blocks.
  ///   - mayBlock: without it, `wouldBlock` is thrown where the disk would have to be waited for.
  /// - Throws: `damaged` where the bytes are not those that were written; the target then holds nothing of meaning.
  public func readBlocks(
    _ first: BlockReference, count: Int, into target: UnsafeMutableRawBufferPointer, mayBlock: Bool
  ) throws(LedgerError) {
    precondition(target.count >= count * blockSize, "the target is too small")
    let segment = try segments.segment(first.segment)
    let entries = try segments.entries(first, count: count, mayBlock: mayBlock)
    let buffer = scratch.take()
    defer { scratch.giveBack(buffer) }
    var index = 0
    while index < count {
      let run = Self.run(entries, from: index)
      let start = entries[index].offset
      let bytes = UnsafeMutableRawBufferPointer(start: buffer, count: Int(run.end - start))
      let read = try onDisk { () throws(Errno) in
        try segment.file.read(into: bytes, at: start, mayBlock: mayBlock)
      }
      guard read == bytes.count else {
        throw .damaged("block \(first.advanced(by: index)): the segment ends before it")
      }
      for position in index..<run.next {
        let entry = entries[position]
        let source = UnsafeRawBufferPointer(
          rebasing: UnsafeRawBufferPointer(bytes)[Int(entry.offset - start)...].prefix(Int(entry.length)))
        try restore(source, entry, first.advanced(by: position), into: target.baseAddress! + position * blockSize)
      }
      index = run.next
    }
  }

  /// Whether the stored bytes of a slot still give the block with its digest.
  public func verify(_ block: BlockReference) throws(LedgerError) {
    try withUnsafeTemporaryAllocationTyped(byteCount: blockSize) { (target) throws(LedgerError) in
      try readBlocks(block, count: 1, into: target, mayBlock: true)
    }
  }

  /// The digest of a stored block, as its slot tells it.
  public func digest(of block: BlockReference) throws(LedgerError) -> Digest {
    try segments.entries(block, count: 1, mayBlock: true)[0].digest
  }

  /// How many bytes a block takes on the disk.
  public func storedLength(of block: BlockReference) throws(LedgerError) -> Int {
    Int(try segments.entries(block, count: 1, mayBlock: true)[0].length)
  }

  private func restore(
    _ source: UnsafeRawBufferPointer, _ entry: SlotEntry, _ block: BlockReference, into target: UnsafeMutableRawPointer
  ) throws(LedgerError) {
    guard entry.length > 0 else { throw .damaged("block \(block): its slot is empty") }
    guard BlockCodec.decompress(source, entry.encoding, into: target) else {
      throw .damaged("block \(block): it can't be decompressed")
    }
    guard
      Digest(of: UnsafeRawBufferPointer(start: target, count: blockSize)) == entry.digest
        || options.sabotage == .trustsBlocks
    else {
      throw .damaged("block \(block): its bytes do not match its digest")
    }
  }

  /// The slots from `index` on that one read fetches: they lie close together, and fit into a scratch buffer.
  private static func run(_ entries: [SlotEntry], from index: Int) -> (next: Int, end: UInt64) {
    let farthestGap: UInt64 = 16 << 10
    let start = entries[index].offset
    var end = start + UInt64(entries[index].length)
    var next = index + 1
    while next < entries.count {
      let entry = entries[next]
      let entryEnd = entry.offset + UInt64(entry.length)
      guard entry.offset >= end, entry.offset - end <= farthestGap,
        entryEnd - start <= UInt64(ScratchPool.capacity)
      else { break }
      end = entryEnd
      next += 1
    }
    return (next, end)
  }
}
