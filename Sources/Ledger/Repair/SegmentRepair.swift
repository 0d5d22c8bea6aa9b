public import SystemIO

// Repair of segment files, while nobody has the store open. What it writes is proven to be what was there before: by a checksum or a digest that
// covers it, or by the chain of the records. So whatever a crash leaves of it is right or as damaged as it was, and running it again goes on.
// What the disk cannot read is damage like any other; what it cannot write ends the repair.
//
//   header           a flipped bit
//   footer           a flipped bit; in the ledger written anew from the records, where their chain leads to the next segment or to the checkpoint
//   chunk checksums  from the chunks, which the footer's checksum proves
//   chunk            from the slot tables of the records, which the chunk's checksum proves; a flipped bit
//   record           its slot table from the directory, which the record's checksum proves; a flipped bit
//   node image       a flipped bit
//   block            a flipped bit; an equal block in another slot (BlockRepair)

/// Repairs the segments of one directory.
public struct SegmentRepair {
  let segments: SegmentSet
  /// Where the last checkpoint ends: every segment before that one was sealed.
  let checkpoint: LedgerPosition?
  /// What was put right, for a person.
  public internal(set) var repairs: [String] = []

  /// - Parameter checkpoint: where the newest checkpoint ends in the ledger; nil where it is not known.
  public init(_ storage: any Storage, directory: String, checkpoint: LedgerPosition?) {
    segments = SegmentSet(storage, directory: directory)
    self.checkpoint = checkpoint
  }

  public mutating func run() throws(LedgerError) {
    let numbers = try segments.numbers()
    for number in numbers { try repairHeader(number) }
    for (index, number) in numbers.enumerated() {
      guard let file = try file(number), let header = try header(of: file, number) else { continue }
      try repairFooter(file, header)
      if segments.directory == "ledger" {
        try repairRecords(file, header, next: index + 1 < numbers.count ? numbers[index + 1] : nil)
      } else {
        try repairNodes(file, header)
      }
    }
  }

  mutating func note(_ number: UInt32, _ what: String) {
    repairs.append("segment \(number) of the \(segments.directory): \(what)")
  }

  private func file(_ number: UInt32) throws(LedgerError) -> (any StorageFile)? {
    try ifReadable { () throws(LedgerError) in try segments.file(number) }
  }

  func header(of number: UInt32) throws(LedgerError) -> SegmentHeader? {
    guard let file = try file(number) else { return nil }
    return try header(of: file, number)
  }

  private func header(of file: any StorageFile, _ number: UInt32) throws(LedgerError) -> SegmentHeader? {
    let bytes = try onDisk { () throws(Errno) in try file.readable(SegmentHeader.size, at: 0) }
    return bytes.flatMap { try? SegmentHeader.decode($0, expecting: number) }
  }

  private mutating func repairHeader(_ number: UInt32) throws(LedgerError) {
    guard let file = try file(number), try header(of: file, number) == nil else { return }
    let size = try onDisk { () throws(Errno) in try file.size() }
    guard size >= UInt64(SegmentHeader.size) else { return }
    let isCorrected = try onDisk { () throws(Errno) in
      try file.correctFlippedBit(at: 0, count: SegmentHeader.encodedSize) {
        (try? SegmentHeader.decode([UInt8]($0), expecting: number)) != nil
      }
    }
    if isCorrected { note(number, "a flipped bit of its header") }
  }

  // MARK: The end of a sealed segment

  func footer(of file: any StorageFile, _ header: SegmentHeader) throws(LedgerError) -> SegmentFooter? {
    try onDisk { () throws(Errno) in
      let size = try file.size()
      guard size >= UInt64(SegmentHeader.size + SegmentFooter.size) else { return nil }
      let bytes = try file.readable(SegmentFooter.size, at: size - UInt64(SegmentFooter.size))
      return bytes.flatMap { SegmentFooter.decode($0, of: header, fileSize: size) }
    }
  }

  private mutating func repairFooter(_ file: any StorageFile, _ header: SegmentHeader) throws(LedgerError) {
    guard try footer(of: file, header) == nil else { return try repairChunkChecksums(file, header) }
    let isCorrected = try onDisk { () throws(Errno) in
      let size = try file.size()
      guard size >= UInt64(SegmentHeader.size + SegmentFooter.size) else { return false }
      return try file.correctFlippedBit(at: size - UInt64(SegmentFooter.size), count: SegmentFooter.size) {
        SegmentFooter.decode([UInt8]($0), of: header, fileSize: size) != nil
      }
    }
    guard isCorrected else { return }
    note(header.number, "a flipped bit of its footer")
    try repairChunkChecksums(file, header)
  }

  /// The checksums of the chunks of its directory, which its footer covers, are computed anew from the chunks.
  private mutating func repairChunkChecksums(_ file: any StorageFile, _ header: SegmentHeader) throws(LedgerError) {
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

  /// The chunks of the directory that do not match their checksums, repaired from `known` slots or by a flipped bit; returns whether all are sound then.
  mutating func repairChunks(
    _ file: any StorageFile, _ footer: SegmentFooter, known: [Int: SlotEntry]
  ) throws(LedgerError) -> Bool {
    let slots = Int(footer.slotCount)
    let checksums = try Segment.readChunkChecksums(footer, file)
    var areSound = true
    for (chunk, expected) in checksums.enumerated() {
      let first = chunk * SlotDirectory.chunkSlots
      let range = first..<min(slots, first + SlotDirectory.chunkSlots)
      let offset = footer.directoryOffset + UInt64(first * SlotEntry.encodedSize)
      let count = range.count * SlotEntry.encodedSize
      let how = try onDisk { () throws(Errno) -> String? in
        let stored = try file.readable(count, at: offset)
        guard stored.map({ checksum($0) }) != expected else { return "" }
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
      if let how, !how.isEmpty { note(footer.number, how) }
      if how == nil { areSound = false }
    }
    return areSound
  }
}
