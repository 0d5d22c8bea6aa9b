import SystemIO

extension SegmentRepair {
  /// The checksums of the chunks of its directory, which its footer covers, are computed anew from the chunks.
  mutating func repairChunkChecksums(_ file: any StorageFile, _ header: SegmentHeader) throws(LedgerError) {
    guard let footer = try footer(of: file, header) else { return }
    let slots = Int(footer.slotCount)
    let offset = footer.directoryOffset + UInt64(slots * SlotEntry.encodedSize)
    let count = SlotDirectory.chunkCount(slots: slots) * 8
    let isRepaired = try onDisk { () throws(Errno) in
      let stored = try file.readable(count, at: offset)
      guard stored.map({ checksum($0) }) != footer.directoryChecksum else { return false }
      let directory = try file.readable(slots * SlotEntry.encodedSize, at: footer.directoryOffset)
      let sums = directory.map { SlotDirectory.chunkChecksums(of: $0) }
      guard let sums, checksum(sums) == footer.directoryChecksum else {
        return try file.correctFlippedBit(at: offset, count: count) { checksum($0) == footer.directoryChecksum }
      }
      try file.write(sums, at: offset)
      try file.synchronize()
      return true
    }
    if isRepaired { note(header.number, "the checksums of its slot directory, computed anew") }
  }

  /// The chunks of the directory that do not match their checksums, repaired from `known` slots or by a flipped bit.
  mutating func repairChunks(
    _ file: any StorageFile, _ footer: SegmentFooter, known: [Int: SlotEntry]
  ) throws(LedgerError) {
    let slots = Int(footer.slotCount)
    let checksums = try Segment.readChunkChecksums(footer, file)
    for (chunk, expected) in checksums.enumerated() {
      let first = chunk * SlotDirectory.chunkSlots
      let range = first..<min(slots, first + SlotDirectory.chunkSlots)
      let offset = footer.directoryOffset + UInt64(first * SlotEntry.encodedSize)
      let count = range.count * SlotEntry.encodedSize
      let how = try onDisk { () throws(Errno) -> String? in
        let stored = try file.readable(count, at: offset)
        guard stored.map({ checksum($0) }) != expected else { return nil }
        let entries = range.compactMap { known[$0] }
        let bytes = SlotDirectory.encodeEntries(entries)
        if entries.count == range.count, checksum(bytes) == expected {
          try file.write(bytes, at: offset)
          try file.synchronize()
          return "slots \(range.lowerBound) to \(range.upperBound - 1) of its directory, from its records"
        }
        let isCorrected = try file.correctFlippedBit(at: offset, count: count) { checksum($0) == expected }
        return isCorrected ? "a flipped bit of its slot directory" : nil
      }
      if let how { note(footer.number, how) }
    }
  }

  /// Puts chunks right that are damaged together with their checksums. Each is taken as the records tell it, or as it
  /// stands where they do not tell all of it; that they are right together is proven by the footer's checksum of their
  /// checksums.
  ///
  /// - Returns: whether the directory can be read then.
  mutating func rebuildDirectory(
    _ file: any StorageFile, _ footer: SegmentFooter, known: [Int: SlotEntry]
  ) throws(LedgerError) -> Bool {
    let slots = Int(footer.slotCount)
    var directory: [UInt8] = []
    for first in stride(from: 0, to: slots, by: SlotDirectory.chunkSlots) {
      let range = first..<min(slots, first + SlotDirectory.chunkSlots)
      let entries = range.compactMap { known[$0] }
      if entries.count == range.count {
        directory += SlotDirectory.encodeEntries(entries)
        continue
      }
      let offset = footer.directoryOffset + UInt64(first * SlotEntry.encodedSize)
      let stored = try onDisk { () throws(Errno) in
        try file.readable(range.count * SlotEntry.encodedSize, at: offset)
      }
      guard let stored else { return false }
      directory += stored
    }
    let sums = SlotDirectory.chunkChecksums(of: directory)
    guard checksum(sums) == footer.directoryChecksum else { return false }
    let bytes = directory + sums
    try onDisk { () throws(Errno) in
      try file.write(bytes, at: footer.directoryOffset)
      try file.synchronize()
    }
    note(footer.number, "its slot directory and the checksums of that, from its records")
    return true
  }
}
