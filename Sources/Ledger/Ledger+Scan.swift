import Synchronization
import SystemIO

extension Ledger {
  /// Gives the records from `lsn` on to `body`, in order, as far as they are still kept, until it returns false. Each is verified: its checksum, and that
  /// it continues the chain.
  ///
  /// - Parameter verifyingPayload: whether its blocks are verified too.
  public func scan(
    from lsn: UInt64, verifyingPayload: Bool = false, _ body: (Record) throws(LedgerError) -> Bool
  ) throws(LedgerError) {
    let last = lastLSN
    let numbers = try segments.numbers()
    var first = numbers.first ?? 0
    for number in numbers.reversed() {
      guard let segment = try keptSegment(number), segment.header.firstLSN <= lsn else { continue }
      first = number
      break
    }
    for number in numbers where number >= first {
      guard let segment = try keptSegment(number) else { continue }
      var scanner = try SegmentScanner(segment)
      while scanner.position.nextLSN <= last {
        let position = scanner.position
        let step = try scanner.next(verifyingPayload: verifyingPayload && position.nextLSN >= lsn)
        if case .end = step {
          if let footer = segment.footer, footer.lastLSN >= position.nextLSN {
            throw .damaged("record \(position.nextLSN) in segment \(number) at \(position.offset): it is not there")
          }
          break
        }
        if case .invalid(let reason) = step {
          throw .damaged("record \(position.nextLSN) in segment \(number) at \(position.offset): \(reason)")
        }
        guard case .record(let header, let prefix, _) = step, header.lsn >= lsn else { continue }
        guard try give(header, prefix, of: number, to: body) else { return }
      }
    }
  }

  /// The segment; nil where a collection removed it meanwhile.
  func keptSegment(_ number: UInt32) throws(LedgerError) -> Segment? {
    do throws(LedgerError) { return try segments.segment(number) } catch {
      if collection.withLock({ $0.swept.contains(number) }) { return nil }
      throw error
    }
  }

  private func give(
    _ header: RecordHeader, _ prefix: [UInt8], of segment: UInt32, to body: (Record) throws(LedgerError) -> Bool
  ) throws(LedgerError) -> Bool {
    try prefix.withUnsafeBytesTyped { (bytes) throws(LedgerError) in
      try body(Record(header: header, prefix: bytes, segment: segment))
    }
  }
}
