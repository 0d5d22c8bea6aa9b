import Synchronization
import SystemIO

// The newest records, without reading all that came before them. A record does not say where the one before it begins, so the ledger is read in
// stretches, newest first: some way before a place where a record is known to begin, the first sound record is looked for at every place where
// one can stand, and from there the records are read forwards. They are a chain, and it must lead to the known place; so what only looks like a
// record is damage and nothing else. (Nothing does: a record's checksum is seeded with the salt of its segment, which no tenant knows.)

/// Consecutive records of one segment.
public struct LedgerStretch {
  fileprivate let segment: Segment
  fileprivate let start: LedgerPosition
  fileprivate let end: LedgerPosition

  /// Gives the records to `body`, in order. Each is verified: its checksum, and that it continues the chain.
  public func scan(_ body: (Record) throws(LedgerError) -> Void) throws(LedgerError) {
    var scanner = try SegmentScanner(segment)
    scanner.skip(to: start)
    while scanner.position.offset < end.offset {
      let place = "record \(scanner.position.nextLSN) in segment \(segment.number) at \(scanner.position.offset)"
      switch try scanner.next(verifyingPayload: false) {
      case .record(let header, let prefix, _):
        try prefix.withUnsafeBytesTyped { (bytes) throws(LedgerError) in
          try body(Record(header: header, prefix: bytes, segment: segment.number))
        }
      case .end: throw .damaged("\(place): it is not there")
      case .invalid(let reason): throw .damaged("\(place): \(reason)")
      }
    }
    guard scanner.position == end else {
      throw .damaged("the records of segment \(segment.number) do not lead to the one at \(end.offset)")
    }
  }
}

extension Ledger {
  private static let shortestStretch: UInt64 = 64 << 10
  private static let longestStretch: UInt64 = 4 << 20

  /// Gives the ledger to `body` in stretches, the newest first, until it returns false.
  ///
  /// - Parameter lsn: what stands before this record is not wanted.
  public func scanBackwards(
    downTo lsn: UInt64, _ body: (LedgerStretch) throws(LedgerError) -> Bool
  ) throws(LedgerError) {
    for number in try segments.numbers().reversed() {
      guard let segment = try keptSegment(number) else { continue }
      var end = try recordsEnd(of: segment)
      var length = Self.shortestStretch
      while end.offset > UInt64(SegmentHeader.size), end.nextLSN > lsn {
        let start = try self.start(of: length, before: end, in: segment)
        guard try body(LedgerStretch(segment: segment, start: start, end: end)) else { return }
        end = start
        length = min(length * 2, Self.longestStretch)
      }
      if segment.header.firstLSN <= lsn { return }
    }
  }

  /// Where the first record of a stretch begins that is about `length` bytes long.
  private func start(
    of length: UInt64, before end: LedgerPosition, in segment: Segment
  ) throws(LedgerError) -> LedgerPosition {
    var scanner = try SegmentScanner(segment)
    let first = scanner.position
    var length = length
    // A record may be longer.
    while end.offset - first.offset > length {
      if try scanner.seek(from: end.offset - length, before: end.offset) { return scanner.position }
      length *= 2
    }
    return first
  }

  /// Behind the last record of a segment.
  private func recordsEnd(of segment: Segment) throws(LedgerError) -> LedgerPosition {
    let known = appender.withLock { appender in
      appender.segment === segment
        ? appender.position : appender.unflushed.first { $0.segment === segment }?.end
    }
    if let known { return known }
    if let footer = segment.footer {
      return LedgerPosition(
        segment: segment.number, offset: footer.contentEnd, nextLSN: footer.lastLSN + 1,
        previousChecksum: footer.lastChecksum)
    }
    // Its footer is damaged.
    var scanner = try SegmentScanner(segment)
    while case .record = try scanner.next(verifyingPayload: false) {}
    return scanner.position
  }
}
