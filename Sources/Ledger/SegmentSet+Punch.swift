import SystemIO

extension SegmentSet {
  /// Holes are worth their bookkeeping in the host's file system when they are a quarter of the segment.
  private static let worthwhileShare: UInt64 = 4

  /// The byte ranges of a sealed segment that hold nothing but dead blocks, in whole pages of the host; none where they are
  /// a small part of it, and none of an open one. Records before their payload are never among them.
  func deadRanges(_ number: UInt32, _ live: LiveSlots) throws(LedgerError) -> [Range<UInt64>] {
    let segment = try segment(number)
    guard let footer = segment.footer else { return [] }
    var ranges: [Range<UInt64>] = []
    var dead: Range<UInt64>?
    for chunk in 0..<SlotDirectory.chunkCount(slots: Int(footer.slotCount)) {
      for (index, entry) in try segment.readChunk(chunk, mayBlock: true).enumerated() {
        let end = entry.offset + UInt64(RecordFormat.paddedLength(entry.length))
        let isDead = entry.length > 0 && !live.contains(chunk * SlotDirectory.chunkSlots + index)
        if isDead, let open = dead, open.upperBound == entry.offset {
          dead = open.lowerBound..<end
        } else {
          ranges.appendPages(dead)
          dead = isDead ? entry.offset..<end : nil
        }
      }
    }
    ranges.appendPages(dead)
    let bytes = ranges.reduce(0) { $0 + UInt64($1.count) }
    return bytes >= footer.contentEnd / Self.worthwhileShare ? ranges : []
  }

  func punch(_ number: UInt32, _ ranges: [Range<UInt64>]) throws(LedgerError) {
    let file = try segment(number).file
    for range in ranges {
      try onDisk { () throws(Errno) in try file.punchHole(at: range.lowerBound, count: UInt64(range.count)) }
    }
  }

  func allocatedSize(_ number: UInt32) throws(LedgerError) -> UInt64 {
    let file = try segment(number).file
    return try onDisk { () throws(Errno) in try file.allocatedSize() }
  }
}

extension [Range<UInt64>] {
  /// Adds the whole pages within a range.
  fileprivate mutating func appendPages(_ range: Range<UInt64>?) {
    guard let range else { return }
    let start = (range.lowerBound + 4095) / 4096 * 4096
    let end = range.upperBound / 4096 * 4096
    if start < end { append(start..<end) }
  }
}
