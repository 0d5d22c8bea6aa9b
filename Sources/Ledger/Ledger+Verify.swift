import Synchronization

extension Ledger {
  /// Verifies the records of all segments, with their headers and footers, and goes on behind what is damaged.
  ///
  /// The records of a store that is open were applied before: what they hold is in the trees, and their blocks are found without them.
  ///
  /// - Parameter report: is told of each damaged place, and what that means.
  /// - Returns: how many records are sound.
  public func verifyRecords(_ report: (String) -> Void) throws(LedgerError) -> Int {
    let last = lastLSN
    var count = 0
    for number in try segments.numbers() {
      do throws(LedgerError) {
        guard let segment = try keptSegment(number) else { continue }
        count += try verify(segment, through: last, report)
      } catch .damaged(let place) {
        report("\(place); no block in that segment can be found")
      } catch .newerFormat(let version) {
        report("segment \(number): its header says that it has format \(version); no block in it can be found")
      } catch {
        throw error
      }
    }
    return count
  }

  private func verify(
    _ segment: Segment, through last: UInt64, _ report: (String) -> Void
  ) throws(LedgerError) -> Int {
    // In this order: a segment that is sealed meanwhile has its footer before it counts as closed.
    let isOpen = isOpen(segment)
    let lacksFooter = !isOpen && segment.footer == nil
    if lacksFooter { report("segment \(segment.number): it has no valid footer, so no block in it can be found") }
    var count = 0
    var scanner = try SegmentScanner(segment)
    while scanner.position.nextLSN <= last {
      let position = scanner.position
      let place = "record \(position.nextLSN) in segment \(segment.number) at \(position.offset)"
      switch try scanner.nextReadable(verifyingPayload: false) {
      case .record: count += 1
      case .end:
        guard let footer = segment.footer, footer.lastLSN >= position.nextLSN else { return count }
        report("\(place): it is not there; the log lacks it, and no fork does")
        guard try scanner.skipDamage() else { return count }
      case .invalid(let reason):
        // What stands behind the records of a segment without a footer is what is left of its slot directory.
        if lacksFooter { return count }
        report("\(place): \(reason); the log lacks it, and no fork does")
        guard try scanner.skipDamage() else { return count }
      }
    }
    return count
  }

  /// Whether records may still be appended to a segment, or its footer still has to be written.
  private func isOpen(_ segment: Segment) -> Bool {
    appender.withLock { appender in
      appender.segment === segment || appender.unflushed.contains { $0.segment === segment }
    }
  }
}
