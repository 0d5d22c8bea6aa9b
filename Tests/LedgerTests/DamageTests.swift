import SystemIO
import TestSupport
import Testing

@testable import Ledger

/// Damage of what was flushed is reported; it is never taken for the end of the ledger.
@Suite struct DamageTests {
  private var random = SeededRandom(seed: 21)
  private let disk = MemoryStorage()
  private let journal: Journal

  init() throws { journal = try Journal(disk) }

  private mutating func append(_ count: Int) throws {
    for _ in 0..<count { try journal.append(random.bytes(8), [random.text()]) }
  }

  @Test mutating func aSealedSegmentIsNeverCut() throws {
    try append(4)
    journal.ledger.beginNewSegment()
    try append(2)
    journal.ledger.beginNewSegment()
    try journal.ledger.flushAndSeal(before: journal.ledger.position.segment)
    for number in [1, 2] {
      let size = disk.bytes(of: segmentPath(number)).count
      for offset in 0..<size where offset < 60 || offset >= SegmentHeader.size {
        let flipped = disk.copy()
        flipped.flip(segmentPath(number), at: offset)
        guard let again = try openUnlessDamaged(flipped) else { continue }
        #expect(again.records == journal.appended, "segment \(number), byte \(offset)")
      }
    }
  }

  /// What cannot be read for a moment is not missing: the ledger is not opened, and the next time it is all there.
  @Test mutating func whatCannotBeReadIsNeverCut() throws {
    try append(4)
    var failures = 0
    for count in 0..<100 {
      let failing = disk.copy()
      failing.failRead(of: segmentPath(1), after: count)
      do {
        #expect(try Journal(failing).records == journal.appended, "read \(count)")
      } catch let error as LedgerError {
        guard case .storage(.inputOutput) = error else { throw error }
        failures += 1
      }
      failing.failRead(of: segmentPath(1), after: .max)
      #expect(try Journal(failing).records == journal.appended, "after read \(count)")
    }
    #expect(failures > 10)
  }

  /// A segment whose footer is damaged has no slots for who does not read its records: its blocks are an error, not others.
  @Test mutating func aDamagedFooterBeforeTheCheckpointIsReported() throws {
    try append(3)
    let block = BlockReference(segment: 1, slot: 1)
    let page = try journal.ledger.page(block)
    journal.ledger.beginNewSegment()
    try journal.ledger.flushAndSeal(before: 2)
    let size = disk.bytes(of: segmentPath(1)).count
    let directory = size - SegmentFooter.size - SlotDirectory.encodedSize(slots: 3)
    for offset in directory..<size {
      let flipped = disk.copy()
      flipped.flip(segmentPath(1), at: offset)
      let again = try Journal(flipped, from: journal.ledger.position)
      // A flip in another slot's entry fails the chunk as a whole.
      #expect(throws: LedgerError.self, "byte \(offset)") { try again.ledger.page(block) }
    }
    #expect(try Journal(disk.copy(), from: journal.ledger.position).ledger.page(block) == page)
  }

  /// While a manifest was damaged the number that it gave the next segment was not known, and a lower one was used.
  @Test mutating func aCheckpointMayNameASegmentThatWasNeverBegun() throws {
    try append(2)
    journal.ledger.beginNewSegment()
    var position = journal.ledger.position
    try append(2)
    journal.ledger.beginNewSegment()
    try append(2)
    try journal.flush()
    position.segment = 6
    let again = try Journal(disk, from: position)
    #expect(again.records == Array(journal.appended[2...]))
    #expect(again.ledger.lastLSN == 6)
  }

  @Test mutating func aTornSegmentInTheMiddleEndsTheLedger() throws {
    try append(2)
    try journal.flush()
    try append(2)
    let torn = Int(journal.ledger.position.offset) - 40
    journal.ledger.beginNewSegment()
    try append(2)
    disk.replace(segmentPath(1), with: Array(disk.bytes(of: segmentPath(1))[..<torn]))
    let again = try Journal(disk)
    #expect(again.records == Array(journal.appended[..<3]))
    #expect(again.report.cut != nil)
    #expect(disk.paths == [segmentPath(1)], "what stood behind is gone")
  }

  @Test mutating func aTornSegmentInTheMiddleIsDamageWhereALaterOneProvesIt() throws {
    try append(4)
    let torn = Int(journal.ledger.position.offset) - 40
    try journal.flush()
    journal.ledger.beginNewSegment()
    try append(1)
    disk.replace(segmentPath(1), with: Array(disk.bytes(of: segmentPath(1))[..<torn]))
    #expect(try openUnlessDamaged(disk) == nil)
  }

  @Test mutating func aMissingSegmentIsDamageWhereALaterOneProvesIt() throws {
    try append(2)
    journal.ledger.beginNewSegment()
    try append(2)
    try journal.flush()
    journal.ledger.beginNewSegment()
    try append(1)
    try disk.remove(segmentPath(2))
    #expect(try openUnlessDamaged(disk) == nil)
  }

  /// Without a proof in the ledger the checkpoint is one. The later segments were once removed, and LSNs given again.
  @Test mutating func anEndBeforeTheCheckpointIsDamage() throws {
    try append(1)
    let offset = Int(journal.ledger.position.offset)
    try append(2)
    let checkpoint = journal.ledger.position
    journal.ledger.beginNewSegment()
    try append(1)
    disk.replace(segmentPath(1), with: Array(disk.bytes(of: segmentPath(1))[..<offset]))
    let before = disk.paths
    #expect(try openUnlessDamaged(disk, from: checkpoint) == nil)
    #expect(disk.paths == before)
  }

  /// The first segment behind a checkpoint that ended a segment may be torn in its header; that once kept the store from opening.
  @Test mutating func aTornHeaderBehindTheCheckpointIsTheEnd() throws {
    try append(2)
    journal.ledger.beginNewSegment()
    try journal.ledger.flushAndSeal(before: 2)
    let checkpoint = journal.ledger.position
    for torn in [[], [UInt8](repeating: 0, count: 8192)] {
      disk.replace(segmentPath(2), with: torn)
      let again = try Journal(disk, from: checkpoint)
      #expect(again.ledger.lastLSN == 2)
      #expect(!disk.paths.contains(segmentPath(2)))
    }
  }

  /// What a later version wrote was once taken for a torn header and removed.
  @Test mutating func aSegmentOfANewerVersionIsLeftAlone() throws {
    try append(2)
    journal.ledger.beginNewSegment()
    try append(1)
    var bytes = disk.bytes(of: segmentPath(2))
    bytes[8] = 2
    disk.replace(segmentPath(2), with: bytes)
    #expect {
      try Journal(disk)
    } throws: { error in
      if case LedgerError.newerFormat(2) = error { true } else { false }
    }
    #expect(disk.bytes(of: segmentPath(2)) == bytes)
  }

  /// A failed append leaves part of a record; a later one that is larger begins a new segment. The rest was once taken for damage.
  @Test mutating func whatAFailedAppendLeavesIsNoRecord() throws {
    let disk = SimulatedDisk()
    let journal = try Journal(disk)
    try journal.append([1], [random.noise(), random.noise(), random.noise()])
    disk.fail { call, _ in call == .write ? .noSpace : nil }
    #expect(throws: LedgerError.self) { try journal.append([2], [random.noise()]) }
    disk.fail(nil)
    try journal.append([3], [random.noise(), random.noise(), random.noise()])
    #expect(journal.ledger.position.segment == 2)
    let again = try Journal(disk.afterKill())
    #expect(again.records == journal.appended)
  }
}
