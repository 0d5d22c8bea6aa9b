import SystemIO

/// Reads the records of one segment in their order and verifies each: its frame, its place in the chain, its checksum, its slots and,
/// where asked, its payload. It never goes on behind anything but a sound record; what it looks for further on is only a
/// proof that something is missing.
struct SegmentScanner {
  let segment: Segment
  /// Where the next record should stand.
  private(set) var position: LedgerPosition
  /// Records end here at the latest.
  let limit: UInt64

  /// What stands where the next record should.
  enum Step {
    case record(RecordHeader, prefix: [UInt8], slots: [SlotEntry])
    /// Not one byte of a record: the end of an open segment, or of a sealed one's records.
    case end
    case invalid(String)
  }

  /// - Parameter end: where the records end, of a sealed segment whose slot directory cannot be read.
  init(_ segment: Segment, before end: UInt64? = nil) throws(LedgerError) {
    self.segment = segment
    self.position = LedgerPosition(
      segment: segment.number, offset: UInt64(SegmentHeader.size), nextLSN: segment.header.firstLSN,
      previousChecksum: segment.header.previousChecksum)
    if let end = end ?? segment.footer?.contentEnd {
      limit = end
    } else {
      limit = try onDisk { () throws(Errno) in try segment.file.size() }
    }
  }

  /// Goes on from a position that is known to be between two records.
  mutating func skip(to position: LedgerPosition) {
    precondition(position.segment == segment.number, "the position is in another segment")
    self.position = position
  }

  /// Reads the next record and steps behind it.
  mutating func next(verifyingPayload: Bool) throws(LedgerError) -> Step {
    let step: Step
    do throws(LedgerError) { step = try read(verifyingPayload) } catch {
      if isAtEndOfSealed { return .end }
      throw error
    }
    if case .invalid = step, isAtEndOfSealed { return .end }
    return step
  }

  /// The same for a repair, to which bytes that cannot be read are damage like any other.
  mutating func nextReadable(verifyingPayload: Bool) throws(LedgerError) -> Step {
    try ifReadable { () throws(LedgerError) in try next(verifyingPayload: verifyingPayload) }
      ?? .invalid("it can't be read")
  }

  /// The segment may be sealed while it is scanned: then a slot directory stands where its records end.
  private var isAtEndOfSealed: Bool { segment.endsRecords(before: position.offset) }

  /// What the disk cannot read is an error, and neither a record nor none: it may be readable the next time.
  private mutating func read(_ verifyingPayload: Bool) throws(LedgerError) -> Step {
    guard position.offset + UInt64(RecordFormat.headerSize) <= limit else { return .end }
    let head = try read(RecordFormat.headerSize, at: position.offset)
    if head.allSatisfy({ $0 == 0 }) { return .end }
    let header: RecordHeader
    do throws(DecodingFailure) { header = try verifiedHeader(head) } catch { return .invalid("\(error)") }
    let prefix = try read(header.prefixLength, at: position.offset)
    let slots: [SlotEntry]
    do throws(DecodingFailure) { slots = try verifiedSlots(header, prefix, position.offset) } catch {
      return .invalid("\(error)")
    }
    if verifyingPayload, try !isSound(slots) { return .invalid("a block of the record does not match its digest") }
    position.offset += UInt64(header.length)
    position.nextLSN += 1
    position.previousChecksum = header.checksum
    return .record(header, prefix: prefix, slots: slots)
  }

  /// The header of the record that continues the chain here.
  private func verifiedHeader(_ bytes: [UInt8]) throws(DecodingFailure) -> RecordHeader {
    let header = try bytes.withUnsafeBytesTyped { (bytes) throws(DecodingFailure) in
      try RecordFormat.decodeHeader(bytes)
    }
    guard position.offset + UInt64(header.length) <= limit else {
      throw DecodingFailure("the record goes past the end")
    }
    guard header.lsn == position.nextLSN else {
      throw DecodingFailure("the record has LSN \(header.lsn), not \(position.nextLSN)")
    }
    guard header.previousChecksum == position.previousChecksum else {
      throw DecodingFailure("the record does not continue the chain")
    }
    return header
  }

  private func verifiedSlots(
    _ header: RecordHeader, _ prefix: [UInt8], _ offset: UInt64
  ) throws(DecodingFailure) -> [SlotEntry] {
    try prefix.withUnsafeBytesTyped { (bytes) throws(DecodingFailure) in
      guard RecordFormat.expectedChecksum(bytes, salt: segment.header.salt) == header.checksum else {
        throw DecodingFailure("the checksum of the record is wrong")
      }
      return try RecordFormat.decodeSlots(header, prefix: bytes, recordOffset: offset)
    }
  }

  private func isSound(_ slots: [SlotEntry]) throws(LedgerError) -> Bool {
    for slot in slots {
      let stored = try read(Int(slot.length), at: slot.offset)
      guard stored.withUnsafeBytes({ BlockCodec.restores($0, slot) }) || isGivenBack(slot) else { return false }
    }
    return true
  }

  /// Whether a collection gave the space of a slot back: then a whole page of the host that it reached into is a hole. Only sealed segments
  /// have such holes.
  private func isGivenBack(_ slot: SlotEntry) -> Bool {
    guard segment.footer != nil else { return false }
    let page: UInt64 = 4096
    return stride(from: slot.offset / page * page, to: slot.offset + UInt64(slot.length), by: Int(page)).contains {
      (try? read(Int(page), at: $0))?.allSatisfy { $0 == 0 } ?? false
    }
  }

  private func read(_ count: Int, at offset: UInt64) throws(LedgerError) -> [UInt8] {
    try onDisk { () throws(Errno) in try segment.file.readExactly(count, at: offset) }
  }

  /// Whether a sound record somewhere behind the position proves that `lsn` was durable when it was appended.
  func laterRecordProvesDurable(_ lsn: UInt64) throws(LedgerError) -> Bool {
    let headerSize = UInt64(RecordFormat.headerSize)
    var start = position.offset
    while start + headerSize <= limit {
      let count = min(1 << 20, limit - start)
      let bytes = try read(Int(count), at: start)
      let candidates = RecordFormat.possibleRecords(in: bytes, provingDurable: lsn)
      for candidate in candidates where try record(at: start + UInt64(candidate)) != nil { return true }
      // A header may begin in one piece and end in the next.
      start += max(8, (count - headerSize) / 8 * 8)
    }
    return false
  }

  /// Goes to the first sound record between two places, whatever stands before it; false where there is none.
  mutating func seek(from start: UInt64, before end: UInt64) throws(LedgerError) -> Bool {
    let headerSize = UInt64(RecordFormat.headerSize)
    var start = (start + 7) / 8 * 8
    while start + headerSize <= end {
      let count = min(16 << 10, end - start)
      let bytes = try read(Int(count), at: start)
      for candidate in RecordFormat.possibleRecords(in: bytes, provingDurable: 0) {
        let offset = start + UInt64(candidate)
        guard let header = try record(at: offset) else { continue }
        position = LedgerPosition(
          segment: segment.number, offset: offset, nextLSN: header.lsn, previousChecksum: header.previousChecksum)
        return true
      }
      // A header may begin in one piece and end in the next.
      start += max(8, (count - headerSize) / 8 * 8)
    }
    return false
  }

  /// Goes on at the next sound record behind a damaged one; false where there is none.
  mutating func skipDamage() throws(LedgerError) -> Bool {
    let headerSize = UInt64(RecordFormat.headerSize)
    let sector: UInt64 = 512
    var start = position.offset + 8
    // Once something cannot be read, it goes on by sectors, so that little is left out with it.
    var goesBySectors = false
    while start + headerSize <= limit {
      let nextSector = (start / sector + 1) * sector
      let count = min(goesBySectors ? nextSector + headerSize - start : 1 << 20, limit - start)
      guard let bytes = try ifReadable({ () throws(LedgerError) in try read(Int(count), at: start) }) else {
        if goesBySectors { start = nextSector }
        goesBySectors = true
        continue
      }
      for candidate in RecordFormat.possibleRecords(in: bytes, provingDurable: 0) {
        let found = try ifReadable { () throws(LedgerError) in try record(at: start + UInt64(candidate)) }
        guard let header = found ?? nil, header.lsn > position.nextLSN else { continue }
        position.offset = start + UInt64(candidate)
        position.nextLSN = header.lsn
        position.previousChecksum = header.previousChecksum
        return true
      }
      start += max(8, (count - headerSize) / 8 * 8)
    }
    return false
  }

  /// The header of the record that stands at an offset, whatever stands before it; nil where none does.
  private func record(at offset: UInt64) throws(LedgerError) -> RecordHeader? {
    let head = try read(RecordFormat.headerSize, at: offset)
    guard let header = try? head.withUnsafeBytes({ try RecordFormat.decodeHeader($0) }),
      offset + UInt64(header.prefixLength) <= limit
    else { return nil }
    let prefix = try read(header.prefixLength, at: offset)
    let sum = prefix.withUnsafeBytes { RecordFormat.expectedChecksum($0, salt: segment.header.salt) }
    return sum == header.checksum ? header : nil
  }
}
