import SystemIO

// What a repair does with one record of the ledger.

extension SegmentRepair {
  /// Puts the record right that should stand at a position; false where that is not possible.
  mutating func repairRecord(
    at position: LedgerPosition, _ segment: Segment, _ limit: UInt64
  ) throws(LedgerError) -> Bool {
    let file = segment.file
    guard let bytes = try prefix(at: position.offset, of: file, limit) else { return false }
    let count = bytes.count
    let salt = segment.header.salt
    func isSound(_ candidate: UnsafeRawBufferPointer) -> Bool {
      guard let header = try? RecordFormat.decodeHeader(candidate), header.lsn == position.nextLSN,
        header.previousChecksum == position.previousChecksum, header.prefixLength <= candidate.count,
        position.offset + UInt64(header.length) <= limit
      else { return false }
      let prefix = UnsafeRawBufferPointer(rebasing: candidate[..<header.prefixLength])
      return RecordFormat.expectedChecksum(prefix, salt: salt) == header.checksum
    }
    if bytes.withUnsafeBytes(isSound) { return try repairPayload(at: position, bytes, segment) }
    let place = "record \(position.nextLSN) at \(position.offset)"
    if let table = try slotTable(bytes, segment, isSound) {
      try onDisk { () throws(Errno) in
        try file.write(table.bytes, at: position.offset + UInt64(table.offset))
        try file.synchronize()
      }
      note(segment.number, "the slot table of \(place), from its slot directory")
      return true
    }
    // Behind the header only what the header calls its own is looked at.
    let header = try? bytes.withUnsafeBytes { try RecordFormat.decodeHeader($0) }
    let looked = min(count, header?.prefixLength ?? 0, RecordFormat.headerSize + FlippedBit.longestSearched)
    let isCorrected = try onDisk { () throws(Errno) in
      let headerEnd = RecordFormat.headerSize
      if try file.correctFlippedBit(at: position.offset, count: count, in: 0..<headerEnd, isSound) { return true }
      guard looked > headerEnd else { return false }
      return try file.correctFlippedBit(at: position.offset, count: count, in: headerEnd..<looked, isSound)
    }
    if isCorrected { note(segment.number, "a flipped bit of \(place)") }
    return isCorrected
  }

  /// What stands where a record should, as far as it can belong to what the record has before its payload; nil where
  /// not even that can be read.
  private func prefix(
    at offset: UInt64, of file: any StorageFile, _ limit: UInt64
  ) throws(LedgerError) -> [UInt8]? {
    let most = Int(min(UInt64(Self.longestPrefix), limit - min(limit, offset)))
    guard most >= RecordFormat.headerSize else { return nil }
    return try onDisk { () throws(Errno) in
      if let bytes = try file.readable(most, at: offset) { return bytes }
      // What cannot be read may stand far behind the record.
      guard let head = try file.readable(RecordFormat.headerSize, at: offset),
        let header = try? head.withUnsafeBytes({ try RecordFormat.decodeHeader($0) })
      else { return nil }
      return try file.readable(min(most, header.prefixLength), at: offset)
    }
  }

  /// More than any record has before its payload, but for one that removes very many ranges.
  private static let longestPrefix = 1 << 20

  /// The slot table as the directory of a sealed segment tells it, where that makes the record sound.
  private func slotTable(
    _ bytes: [UInt8], _ segment: Segment, _ isSound: (UnsafeRawBufferPointer) -> Bool
  ) throws(LedgerError) -> (offset: Int, bytes: [UInt8])? {
    guard segment.footer != nil, let header = try? bytes.withUnsafeBytes({ try RecordFormat.decodeHeader($0) }),
      header.slotCount > 0, header.prefixLength <= bytes.count,
      let entries = try? segments.entries(
        BlockReference(segment: segment.number, slot: header.firstSlot), count: Int(header.slotCount), mayBlock: true)
    else { return nil }
    var writer = ByteWriter()
    RecordFormat.encodeSlots(entries, into: &writer)
    let table = writer.bytes
    let offset = RecordFormat.headerSize + Int(header.bodyLength)
    var candidate = bytes
    candidate.replaceSubrange(offset..<offset + table.count, with: table)
    return candidate.withUnsafeBytes(isSound) ? (offset, table) : nil
  }

  /// Puts flipped bits of the blocks right that a record brought; false where one of them cannot be.
  private mutating func repairPayload(
    at position: LedgerPosition, _ bytes: [UInt8], _ segment: Segment
  ) throws(LedgerError) -> Bool {
    guard
      let slots = try? bytes.withUnsafeBytesTyped({ (buffer) throws(DecodingFailure) in
        let header = try RecordFormat.decodeHeader(buffer)
        let prefix = UnsafeRawBufferPointer(rebasing: buffer[..<header.prefixLength])
        return try RecordFormat.decodeSlots(header, prefix: prefix, recordOffset: position.offset)
      })
    else { return false }
    for slot in slots {
      let count = Int(slot.length)
      let stored = try onDisk { () throws(Errno) in try segment.file.readable(count, at: slot.offset) }
      guard let stored else { return false }
      guard !stored.withUnsafeBytes({ BlockCodec.restores($0, slot) }) else { continue }
      let isCorrected = try onDisk { () throws(Errno) in
        try segment.file.correctFlippedBit(at: slot.offset, count: count) { BlockCodec.restores($0, slot) }
      }
      guard isCorrected else { return false }
      note(segment.number, "a flipped bit of a block of record \(position.nextLSN) at \(slot.offset)")
    }
    return true
  }
}
