import SystemIO

extension SegmentRepair {
  /// Repairs the records of a segment of the ledger, its directory from them, and its footer where it lacks one.
  mutating func repairRecords(
    _ file: any StorageFile, _ header: SegmentHeader, next: UInt32?
  ) throws(LedgerError) {
    guard let footer = try footer(of: file, header) else {
      let segment = Segment(header, file: file)
      // What was sealed may have holes since, and its blocks are repaired when they can be found again.
      let found = try scan(segment, nil, next, verifyingPayload: !wasSealed(header))
      if found.isWhole, try isContinued(from: found.end, header, next) { try seal(segment, found.slots, at: found.end) }
      return
    }
    if (try? Segment.readChunkChecksums(footer, file)) == nil {
      let found = try scan(Segment(header, file: file), footer, next, verifyingPayload: false)
      guard try rebuildDirectory(file, footer, known: found.slots) else { return }
    }
    let found = try scan(segments.segment(header.number), footer, next, verifyingPayload: false)
    try repairChunks(file, footer, known: found.slots)
  }

  /// What the records of a segment tell, as far as they are sound or could be put right.
  private struct Records {
    var slots: [Int: SlotEntry] = [:]
    var end: LedgerPosition
    /// Whether there is none before the end that is damaged.
    var isWhole = true
  }

  /// Reads and repairs the records of a segment.
  ///
  /// - Parameter footer: of a sealed one. Its records are looked for behind damaged ones too: nothing is built on what
  ///   they tell without another proof.
  private mutating func scan(
    _ segment: Segment, _ footer: SegmentFooter?, _ next: UInt32?, verifyingPayload: Bool
  ) throws(LedgerError) -> Records {
    var scanner = try SegmentScanner(segment, before: footer?.contentEnd)
    var found = Records(end: scanner.position)
    // What stands before the payload of a record may have to be repaired, and then the payload.
    var attempts: [UInt64: Int] = [:]
    scan: while true {
      switch try scanner.nextReadable(verifyingPayload: verifyingPayload) {
      case .record(let record, _, let entries):
        found.slots.add(entries, of: record)
      case .end:
        // A record that reads as zeros is no end where the footer knows of a later one.
        guard let footer, footer.lastLSN >= scanner.position.nextLSN else { break scan }
        found.isWhole = false
        guard try scanner.skipDamage() else { break scan }
      case .invalid:
        if try isContinued(from: scanner.position, segment.header, next) { break scan }
        let place = scanner.position.offset
        attempts[place, default: 0] += 1
        if attempts[place]! <= 2, try repairRecord(at: scanner.position, segment, scanner.limit) { continue }
        // Where only a block is lost the frame still leads on, to records that can be repaired.
        if verifyingPayload,
          case .record(let record, _, let entries) = try scanner.nextReadable(verifyingPayload: false)
        {
          found.slots.add(entries, of: record)
          continue
        }
        found.isWhole = false
        guard footer != nil, try scanner.skipDamage() else { break scan }
      }
    }
    found.end = scanner.position
    return found
  }

  /// Whether a segment was sealed, whatever stands at its end now: the checkpoint is in a later one.
  private func wasSealed(_ header: SegmentHeader) -> Bool { checkpoint.map { header.number < $0.segment } ?? false }

  /// Whether a segment that should be sealed has all its records before a position: the checkpoint, or the next segment, continues there.
  private func isContinued(
    from position: LedgerPosition, _ header: SegmentHeader, _ next: UInt32?
  ) throws(LedgerError) -> Bool {
    guard let checkpoint, wasSealed(header) else { return false }
    if checkpoint.nextLSN == position.nextLSN { return checkpoint.previousChecksum == position.previousChecksum }
    guard let next, let following = try self.header(of: next) else { return false }
    return following.firstLSN == position.nextLSN && following.previousChecksum == position.previousChecksum
  }

  /// Writes the directory and the footer of a segment anew: as when it was sealed first, and as safe against a crash.
  private mutating func seal(
    _ segment: Segment, _ slots: [Int: SlotEntry], at end: LedgerPosition
  ) throws(LedgerError) {
    let entries = (0..<slots.count).compactMap { slots[$0] }
    // LSNs begin at 1, whatever a header says.
    guard entries.count == slots.count, end.nextLSN > 0 else { return }
    segment.append(entries)
    try segment.seal(contentEnd: end.offset, lastLSN: end.nextLSN - 1, lastChecksum: end.previousChecksum)
    note(segment.number, "its slot directory and footer, from its records")
  }
}

extension [Int: SlotEntry] {
  /// Adds the slots that a record brought.
  mutating func add(_ entries: [SlotEntry], of record: RecordHeader) {
    for (index, entry) in entries.enumerated() { self[Int(record.firstSlot) + index] = entry }
  }
}
