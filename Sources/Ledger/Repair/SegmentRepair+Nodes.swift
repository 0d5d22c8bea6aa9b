import SystemIO

extension SegmentRepair {
  /// Puts flipped bits of node images right.
  mutating func repairNodes(_ file: any StorageFile, _ header: SegmentHeader) throws(LedgerError) {
    guard let footer = try footer(of: file, header), (try? Segment.readChunkChecksums(footer, file)) != nil else {
      return
    }
    try repairChunks(file, footer, known: [:])
    let segment = try segments.segment(header.number)
    for chunk in 0..<SlotDirectory.chunkCount(slots: Int(footer.slotCount)) {
      // What is not sound now cannot be repaired, and leads nowhere.
      guard let entries = try? segment.readChunk(chunk, mayBlock: true) else { continue }
      for (index, entry) in entries.enumerated() where entry.length > 0 && Int(entry.length) <= blockSize {
        let isCorrected = try onDisk { () throws(Errno) in
          guard entry.offset + UInt64(entry.length) <= footer.contentEnd,
            let image = try file.readable(Int(entry.length), at: entry.offset), Digest(of: image) != entry.digest
          else { return false }
          return try file.correctFlippedBit(at: entry.offset, count: Int(entry.length)) {
            Digest(of: $0) == entry.digest
          }
        }
        if isCorrected {
          note(header.number, "a flipped bit of node \(header.number):\(chunk * SlotDirectory.chunkSlots + index)")
        }
      }
    }
  }
}

extension Digest {
  fileprivate init(of bytes: [UInt8]) { self = bytes.withUnsafeBytes { Digest(of: $0) } }
}
