public import SystemIO

// Repair of segment files, while nobody has the store open. What it writes is proven to be what was there before: by a checksum or a digest that
// covers it, or by the chain of the records. So whatever a crash leaves of it is right or as damaged as it was, and running it again goes on.
// What the disk cannot read is damage like any other; what it cannot write ends the repair.
//
//   header           a flipped bit
//   footer           a flipped bit; in the ledger written anew from the records, where their chain leads to the next segment or to the checkpoint
//   chunk checksums  from the chunks, which the footer's checksum proves
//   chunk            from the slot tables of the records, which the chunk's checksum proves; a flipped bit
//   both of these    chunks from the records, and their checksums from them, which the footer's checksum proves
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
}
