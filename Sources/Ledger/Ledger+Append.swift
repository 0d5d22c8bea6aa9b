import Synchronization
import SystemIO

/// Where a record went.
public struct AppendedRecord: Sendable {
  public let lsn: UInt64
  /// The first of its new slots.
  public let firstBlock: BlockReference
}

/// Learns which record a change becomes, before it becomes it.
public protocol AppendWitness: Sendable {
  /// The record is about to be written. Until this process dies or `isNotAppended` is called, nobody else's record has this LSN.
  func willAppend(_ lsn: UInt64)
  /// It could not be written, and the LSN goes to another.
  func isNotAppended()
}

extension Ledger {
  /// Appends one record with the blocks it brings. When this returns the record is in the host's page cache, in its place in the total order.
  ///
  /// - Parameters:
  ///   - time: nanoseconds since 1970.
  ///   - usingReserve: whether it may use the last bit of reserved space: what gives space back must work on a full disk.
  ///   - witness: told before the record is written.
  /// - Throws: `storage(.noSpace)` on a full disk, `stopped` after a failed flush. In both cases nothing was appended.
  public func append(
    kind: UInt16, head: UInt64, time: UInt64, body: [UInt8], blocks: PreparedBlocks? = nil, usingReserve: Bool = false,
    witness: (any AppendWitness)? = nil
  ) throws(LedgerError) -> AppendedRecord {
    let payload = blocks?.payloadBytes ?? UnsafeRawBufferPointer(start: nil, count: 0)
    var prefix = RecordFormat.encode(
      kind: kind, head: head, time: time, body: body, slots: blocks?.slots ?? [], payload: payload.count)
    precondition(prefix.count + payload.count <= RecordFormat.maximumLength, "a record is at most 8 MiB")
    let durable = durableLSN
    let (record, writeback) = try appender.withLock { (appender) throws(LedgerError) in
      if let failure = appender.failure { throw .stopped(failure) }
      witness?.willAppend(appender.position.nextLSN)
      do throws(LedgerError) {
        let record = try whereSpaceIsReleased(usingReserve) { () throws(LedgerError) in
          try appendLocked(&appender, &prefix, payload, durable, blocks?.slots ?? [], usingReserve)
        }
        options.onAppend?(record.lsn)
        return (record, appender.takeWriteback())
      } catch {
        witness?.isNotAppended()
        throw error
      }
    }
    if let writeback { start(writeback) }
    if let blocks {
      hints.insert(
        blocks.slots.enumerated().map { ($0.element.digest, record.firstBlock.advanced(by: $0.offset)) })
    }
    return record
  }

  private func whereSpaceIsReleased<Result>(
    _ usingReserve: Bool, _ body: () throws(LedgerError) -> Result
  ) throws(LedgerError) -> Result {
    do throws(LedgerError) { return try body() } catch {
      guard case .storage(.noSpace) = error, usingReserve, options.releaseReserve?() == true else { throw error }
    }
    return try body()
  }

  private func appendLocked(
    _ appender: inout Appender, _ prefix: inout [UInt8], _ payload: UnsafeRawBufferPointer, _ durable: UInt64,
    _ slots: [SlotEntry], _ usingReserve: Bool
  ) throws(LedgerError) -> AppendedRecord {
    let length = UInt64(prefix.count + payload.count)
    let segment = try segmentWithRoom(&appender, for: length, durable, usingReserve)
    let offset = appender.position.offset
    let firstSlot = UInt32(segment.slotCount)
    let lsn = appender.position.nextLSN
    let sum = RecordFormat.seal(
      &prefix, lsn: lsn, durableLSN: durable, previousChecksum: appender.position.previousChecksum,
      firstSlot: firstSlot, salt: segment.header.salt)
    try prefix.withUnsafeBytesTyped { (bytes) throws(LedgerError) in
      try onDisk { () throws(Errno) in try segment.file.write([bytes, payload], at: offset) }
    }
    if !slots.isEmpty {
      let base = offset + UInt64(prefix.count)
      segment.append(
        slots.map {
          SlotEntry(offset: base + $0.offset, length: $0.length, encoding: $0.encoding, digest: $0.digest)
        })
    }
    appender.position = LedgerPosition(
      segment: segment.number, offset: offset + length, nextLSN: lsn + 1, previousChecksum: sum)
    return AppendedRecord(lsn: lsn, firstBlock: BlockReference(segment: segment.number, slot: firstSlot))
  }

  /// The segment for the next record, with space reserved for it: the current one, or a new one where that is full.
  private func segmentWithRoom(
    _ appender: inout Appender, for length: UInt64, _ durable: UInt64, _ usingReserve: Bool
  ) throws(LedgerError) -> Segment {
    guard let segment = appender.segment else { return try beginSegment(&appender, for: length, durable, usingReserve) }
    let end = appender.position.offset + length
    let isEmpty = appender.position.offset == UInt64(SegmentHeader.size)
    if isEmpty || end <= options.segmentSize {
      appender.allocated = try allocate(in: segment, from: appender.allocated, upTo: end, usingReserve)
      return segment
    }
    do throws(LedgerError) {
      return try beginSegment(&appender, for: length, durable, usingReserve)
    } catch {
      // The reserve is in the segment that is full: what gives space back may grow it beyond its size.
      guard case .storage(.noSpace) = error, usingReserve, end <= appender.allocated else { throw error }
      return segment
    }
  }

  /// Makes the next segment the current one; nothing changes where it can't be made, or has no room for the record.
  private func beginSegment(
    _ appender: inout Appender, for length: UInt64, _ durable: UInt64, _ usingReserve: Bool
  ) throws(LedgerError) -> Segment {
    let start = UInt64(SegmentHeader.size)
    let segment: Segment
    let allocated: UInt64
    do throws(LedgerError) {
      segment = try segments.create(
        SegmentHeader(
          number: appender.nextSegment, salt: UInt64.random(in: .min ... .max), firstLSN: appender.position.nextLSN,
          previousChecksum: appender.position.previousChecksum, durableLSN: durable))
      allocated = try allocate(in: segment, from: start, upTo: start + length, usingReserve)
    } catch {
      try abandonSegment(&appender)
      throw error
    }
    if let last = appender.unflushed.indices.last, appender.segment != nil {
      appender.unflushed[last].end = appender.position
    }
    appender.segment = segment
    appender.unflushed.append(UnflushedSegment(segment: segment))
    appender.nextSegment += 1
    appender.allocated = allocated
    appender.writebackStarted = 0
    appender.position.segment = segment.number
    appender.position.offset = start
    return segment
  }

  /// Removes a segment that could not be begun, durably: after a crash it would stand in the place of the one that gets its number. Where that
  /// fails too, nothing more may be appended.
  private func abandonSegment(_ appender: inout Appender) throws(LedgerError) {
    do throws(LedgerError) {
      if try segments.removeIfPresent(appender.nextSegment) { try segments.synchronizeNames() }
    } catch {
      appender.failure = if case .storage(let errno) = error { errno } else { .inputOutput }
      throw error
    }
  }

  /// Keeps reserved space ahead of the end, and returns up to where. A record that is not about to free space leaves a reserve to those that
  /// are; one that is takes what is left, and leaves to the next ones what it can.
  private func allocate(
    in segment: Segment, from allocated: UInt64, upTo end: UInt64, _ usingReserve: Bool
  ) throws(LedgerError) -> UInt64 {
    let reserve = options.allocationStep / 4
    guard end + reserve > allocated else { return allocated }
    let targets = [end + reserve + options.allocationStep, end + reserve, end].prefix(usingReserve ? 3 : 1)
    for target in targets where target > allocated {
      do throws(LedgerError) {
        try onDisk { () throws(Errno) in try segment.file.allocate(at: allocated, count: target - allocated) }
        return target
      } catch {
        guard case .storage(.noSpace) = error, target != targets.last else { throw error }
      }
    }
    return allocated
  }

  /// Asks the host to write back what is far behind the end, so that a flush has little left to wait for. An error is no matter here: the
  /// flush reports it.
  private func start(_ writeback: Appender.Writeback) {
    try? writeback.segment.file.startWriteback(at: writeback.range.lowerBound, count: UInt64(writeback.range.count))
  }
}

extension Ledger.Appender {
  /// A part of a segment whose write-back is to be started.
  fileprivate struct Writeback {
    let segment: Segment
    let range: Range<UInt64>
  }

  private static let writebackStep: UInt64 = 4 << 20

  /// The part that was appended since write-back was last started, when it has become large.
  fileprivate mutating func takeWriteback() -> Writeback? {
    guard let segment, position.offset - writebackStarted >= Self.writebackStep else { return nil }
    defer { writebackStarted = position.offset }
    return Writeback(segment: segment, range: writebackStarted..<position.offset)
  }
}
