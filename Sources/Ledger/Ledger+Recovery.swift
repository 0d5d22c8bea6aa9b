import Synchronization
public import SystemIO

// Recovery reads the records behind the last checkpoint and brings the ledger to one prefix of what was appended.
//
// After a crash the end of the ledger may be torn: sectors of records that were never flushed may be missing or old, in any order. The
// first record that does not verify ends the prefix, and everything behind it is cut off, *unless* something proves that this record had
// been flushed. Then it is damage, and nothing is cut. The proofs: the segment is sealed and the record lies before its end (a footer is
// written only after a flush); a later segment says in its header that more was durable when it was made; a later record says so (every
// record carries the LSN that was durable when it was appended); or the checkpoint itself lies behind it. The frame of a damaged
// record leads nowhere, so a later record in its segment is looked for at every place where one can stand. That is safe for a
// proof, and for a proof alone: a record's checksum is seeded with the salt of its segment, which no tenant knows.
//
// The header of a segment is less than a sector, so it is there or it is not. One that was never written is zeros; anything else is damage.
//
// Recovery may crash too: it cuts by truncating the last good segment and removing the later ones, newest first, so running it again
// finds the same prefix. Afterwards each segment it read is sealed, and the next record begins a new one with a new salt. On a full disk
// some may stay open until there is room; the next record begins a new one in any case.

/// What recovery found.
public struct RecoveryReport: Sendable {
  /// Records that were read behind the checkpoint and applied.
  public var replayed: UInt64 = 0
  /// The LSN of the last record that is left.
  public var lastLSN: UInt64 = 0
  /// Why the ledger's end was cut; nil where it ended between two records.
  public var cut: String?
  /// Records that were applied although a block that they brought is damaged: where that was asked for, and they had been flushed.
  public var damaged: [String] = []
}

extension Ledger {
  /// Opens the ledger of a store: reads what stands behind `start`, gives each record to `apply`, and cuts a torn end.
  ///
  /// - Parameters:
  ///   - start: the position of the checkpoint that the trees are of: the newest valid one, but for repair.
  ///   - proven: the position of the newest valid checkpoint, where that is a later one: everything before it was durable.
  ///   - nextSegment: numbers from here on were never used, as far as the checkpoint knows.
  ///   - keepingDamagedBlocks: whether a record that had been flushed counts where only its blocks are damaged. They cannot be read then.
  ///   - apply: what a record does; an error from it ends the recovery.
  /// - Throws: `damaged` where flushed records are not what they were. Nothing was changed then.
  public static func open(
    _ storage: any Storage, _ options: LedgerOptions, from start: LedgerPosition, proven: LedgerPosition? = nil,
    nextSegment: UInt32, keepingDamagedBlocks: Bool = false, apply: (Record) throws(LedgerError) -> Void
  ) throws(LedgerError) -> (ledger: Ledger, report: RecoveryReport) {
    let segments = SegmentSet(storage, directory: "ledger")
    let numbers = try segments.numbers()
    var report = RecoveryReport()
    let proven = proven ?? start
    var recovery = Recovery(segments, proven: proven, keepsDamagedBlocks: keepingDamagedBlocks, end: start)
    try recovery.read(recovery.numbers(numbers, behind: start), from: start, &report, apply)
    guard recovery.end.nextLSN >= proven.nextLSN else {
      throw .damaged(
        "the ledger ends at LSN \(recovery.end.nextLSN - 1), before its checkpoint at \(proven.nextLSN - 1)")
    }
    let unsealed = try recovery.cutAndSeal()
    report.lastLSN = recovery.end.nextLSN - 1
    guard numbers.last != .max else { throw .damaged("there is no number left for segments") }
    let next = max(nextSegment, (numbers.last ?? 0) + 1)
    return (Ledger(storage, segments, options, end: recovery.end, nextSegment: next, unsealed: unsealed), report)
  }
}

/// The work of one recovery.
private struct Recovery {
  let segments: SegmentSet
  /// Every record before it was durable: none is cut off.
  let proven: LedgerPosition
  let keepsDamagedBlocks: Bool
  /// Behind the last record that was accepted.
  var end: LedgerPosition
  /// The segments whose records were read, in their order, each with the position behind its last record.
  var accepted: [(segment: Segment, end: LedgerPosition)] = []
  /// Segments behind a torn record.
  var discarded: [UInt32] = []

  init(_ segments: SegmentSet, proven: LedgerPosition, keepsDamagedBlocks: Bool, end: LedgerPosition) {
    self.segments = segments
    self.proven = proven
    self.keepsDamagedBlocks = keepsDamagedBlocks
    self.end = end
  }

  /// The segments with records behind a position.
  ///
  /// Where it names a segment that was never begun, the next one may have got a lower number: while the manifest with
  /// this position was damaged, the number was not known.
  func numbers(_ numbers: [UInt32], behind start: LedgerPosition) -> [UInt32] {
    let behind = numbers.filter { $0 >= start.segment }
    guard start.offset == LedgerPosition.start.offset, behind.first != start.segment else { return behind }
    var before: [UInt32] = []
    for number in numbers.reversed() where number < start.segment {
      // What cannot be read or is damaged does not say that it continues there.
      guard let header = try? segments.segment(number).header, header.firstLSN >= start.nextLSN else { break }
      before.insert(number, at: 0)
      if header.firstLSN == start.nextLSN, header.previousChecksum == start.previousChecksum { return before + behind }
    }
    return behind
  }

  mutating func read(
    _ numbers: [UInt32], from start: LedgerPosition, _ report: inout RecoveryReport,
    _ apply: (Record) throws(LedgerError) -> Void
  ) throws(LedgerError) {
    guard numbers.first == start.segment || start.offset == LedgerPosition.start.offset else {
      throw .damaged("segment \(start.segment), where the last checkpoint ends, is missing")
    }
    for (index, number) in numbers.enumerated() {
      let later = Array(numbers[(index + 1)...])
      guard let segment = try loadOrCut(number, later, start, &report) else { return }
      var scanner = try SegmentScanner(segment)
      // The slots of a sealed segment stand in its directory, so only the records behind the checkpoint are read.
      if number == start.segment, segment.footer != nil { scanner.skip(to: start) }
      if number != start.segment, scanner.position.nextLSN != end.nextLSN || !continues(scanner.position) {
        try cut(number, later, segment, "it does not continue the segment before", &report)
        return
      }
      guard try read(&scanner, start, later, &report, apply) else { return }
    }
  }

  private func continues(_ position: LedgerPosition) -> Bool { position.previousChecksum == end.previousChecksum }

  /// Reads one segment to its end; false where it is torn and nothing behind it counts.
  private mutating func read(
    _ scanner: inout SegmentScanner, _ start: LedgerPosition, _ later: [UInt32], _ report: inout RecoveryReport,
    _ apply: (Record) throws(LedgerError) -> Void
  ) throws(LedgerError) -> Bool {
    let segment = scanner.segment
    let isSealed = segment.footer != nil
    while true {
      let isBehindCheckpoint = scanner.position.nextLSN >= start.nextLSN
      // From an older checkpoint the chain must lead to the newest one.
      guard
        proven == start || scanner.position.nextLSN != proven.nextLSN
          || scanner.position.previousChecksum == proven.previousChecksum
      else { throw .damaged("record \(proven.nextLSN - 1) is not the one that the last checkpoint was taken behind") }
      switch try next(&scanner, verifyingPayload: isBehindCheckpoint && !isSealed, later, &report) {
      case .record(let header, let prefix, let slots):
        if !isSealed { segment.append(slots) }
        guard isBehindCheckpoint else { continue }
        try prefix.withUnsafeBytesTyped { (bytes) throws(LedgerError) in
          try apply(Record(header: header, prefix: bytes, segment: segment.number))
        }
        report.replayed += 1
      case .end:
        if let footer = segment.footer, footer.lastLSN + 1 != scanner.position.nextLSN {
          throw .damaged("segment \(segment.number) ends before its last record")
        }
        let lsn = scanner.position.nextLSN
        if !isSealed, try !isContinued(by: later, from: scanner.position), try scanner.laterRecordProvesDurable(lsn) {
          throw .damaged("record \(lsn) in segment \(segment.number) at \(scanner.position.offset): it is not there")
        }
        end = scanner.position
        accepted.append((segment, end))
        return true
      case .invalid where try isContinued(by: later, from: scanner.position):
        // What stands behind the last record is a slot directory that a crash cut short.
        end = scanner.position
        accepted.append((segment, end))
        return true
      case .invalid(let reason):
        let lsn = scanner.position.nextLSN
        let place = "record \(lsn) in segment \(segment.number) at \(scanner.position.offset): \(reason)"
        guard lsn >= proven.nextLSN, !isSealed, try !scanner.laterRecordProvesDurable(lsn),
          try !provesDurable(later, lsn)
        else { throw .damaged(place) }
        end = scanner.position
        accepted.append((segment, end))
        discarded = later
        report.cut = place
        return false
      }
    }
  }

  /// The next record; one that had been flushed also where its blocks are damaged, if those are kept.
  private func next(
    _ scanner: inout SegmentScanner, verifyingPayload: Bool, _ later: [UInt32], _ report: inout RecoveryReport
  ) throws(LedgerError) -> SegmentScanner.Step {
    guard verifyingPayload, keepsDamagedBlocks else { return try scanner.next(verifyingPayload: verifyingPayload) }
    let (position, step) = (scanner.position, try scanner.nextReadable(verifyingPayload: true))
    guard case .invalid(let reason) = step else { return step }
    let lsn = position.nextLSN
    var wasFlushed = try scanner.laterRecordProvesDurable(lsn)
    if !wasFlushed { wasFlushed = try provesDurable(later, lsn) }
    // What only could not be read is an error then.
    guard wasFlushed, case .record(let header, let prefix, let slots) = try scanner.next(verifyingPayload: false) else {
      return try scanner.next(verifyingPayload: true)
    }
    report.damaged.append("record \(lsn) in segment \(position.segment) at \(position.offset): \(reason)")
    return .record(header, prefix: prefix, slots: slots)
  }

  /// Whether the next segment begins with the record that would stand at a position: then nothing is missing before it.
  private func isContinued(by later: [UInt32], from position: LedgerPosition) throws(LedgerError) -> Bool {
    guard let number = later.first else { return false }
    do throws(LedgerError) {
      let header = try segments.segment(number).header
      return header.firstLSN == position.nextLSN && header.previousChecksum == position.previousChecksum
    } catch .damaged {
      return false
    } catch {
      throw error
    }
  }

  /// Opens a segment; nil where even its header is torn, which ends the ledger before it.
  private mutating func loadOrCut(
    _ number: UInt32, _ later: [UInt32], _ start: LedgerPosition, _ report: inout RecoveryReport
  ) throws(LedgerError) -> Segment? {
    do throws(LedgerError) {
      return try segments.segmentFromDisk(number)
    } catch .damaged(let reason) {
      let holdsCheckpoint = number == start.segment && start.offset > LedgerPosition.start.offset
      guard !holdsCheckpoint, end.nextLSN >= proven.nextLSN, try segments.hasNoHeader(number),
        try !provesDurable(later, end.nextLSN)
      else {
        throw .damaged(reason)
      }
      discarded = [number] + later
      report.cut = reason
      return nil
    } catch {
      throw error
    }
  }

  /// Cuts before a segment that does not continue the one before it.
  private mutating func cut(
    _ number: UInt32, _ later: [UInt32], _ segment: Segment, _ reason: String, _ report: inout RecoveryReport
  ) throws(LedgerError) {
    let place = "segment \(number): \(reason)"
    guard segment.footer == nil, end.nextLSN >= proven.nextLSN, try !provesDurable([number] + later, end.nextLSN) else {
      throw .damaged(place)
    }
    discarded = [number] + later
    report.cut = place
  }

  /// Whether any of these segments proves that `lsn` was durable when it was made, or when one of its records was.
  private func provesDurable(_ numbers: [UInt32], _ lsn: UInt64) throws(LedgerError) -> Bool {
    for number in numbers {
      let segment: Segment
      do throws(LedgerError) { segment = try segments.segment(number) } catch {
        if case .damaged = error { continue }
        throw error
      }
      if segment.footer != nil || segment.header.durableLSN >= lsn { return true }
      var scanner = try SegmentScanner(segment)
      while case .record(let header, _, _) = try scanner.next(verifyingPayload: false) {
        if header.durableLSN >= lsn { return true }
      }
    }
    return false
  }

  /// Removes what was discarded, newest first, then truncates and seals the segments that were read.
  ///
  /// - Returns: those that could not be sealed, for the disk is full.
  func cutAndSeal() throws(LedgerError) -> [Ledger.UnflushedSegment] {
    var unsealed: [Ledger.UnflushedSegment] = []
    for number in discarded.reversed() { try segments.remove(number) }
    if !discarded.isEmpty { try segments.synchronizeNames() }
    for (segment, end) in accepted where segment.footer == nil {
      try onDisk { () throws(Errno) in
        try segment.file.truncate(to: end.offset)
        try segment.file.synchronize()
      }
      do throws(LedgerError) {
        try segment.seal(contentEnd: end.offset, lastLSN: end.nextLSN - 1, lastChecksum: end.previousChecksum)
      } catch {
        guard case .storage(.noSpace) = error else { throw error }
        unsealed.append(Ledger.UnflushedSegment(segment: segment, end: end))
      }
    }
    // The process that made these files may have been killed before it had flushed their names.
    try segments.synchronizeNames()
    return unsealed
  }
}
