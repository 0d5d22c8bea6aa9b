import SystemIO
import TestSupport
import Testing

@testable import Ledger

/// A digest only suggests a duplicate; the bytes decide.
@Suite struct DuplicateTests {
  private var random = SeededRandom(seed: 1)
  private let journal: Journal

  init() throws { journal = try Journal(MemoryStorage()) }

  @Test mutating func equalPagesAreStoredOnce() throws {
    let (noise, text) = (random.noise(), random.text())
    let first = try journal.append([], [noise, text]).firstBlock
    #expect(journal.ledger.prepare([text, noise]).pages == [.duplicate(first.advanced(by: 1)), .duplicate(first)])
    try journal.flush()
    journal.ledger.beginNewSegment()
    try journal.ledger.flushAndSeal(before: journal.ledger.position.segment)
    #expect(journal.ledger.prepare([text, noise]).pages == [.duplicate(first.advanced(by: 1)), .duplicate(first)])
  }

  @Test mutating func aForgedHintLeadsToNoWrongBlock() throws {
    let (old, new) = (random.noise(), random.noise())
    let first = try journal.append([], [old]).firstBlock
    let digest = new.withUnsafeBytes { Digest(of: $0) }
    for wrong in [first, BlockReference(segment: 99, slot: 0), first.advanced(by: 5)] {
      journal.ledger.hints.insert([(digest, wrong)])
      #expect(journal.ledger.prepare([new]).pages == [.new(0)])
    }
  }

  /// As if two blocks with the same XXH3-128 had been built: the slot carries the digest of the new block, and other bytes.
  @Test mutating func aCollisionOfDigestsLeadsToNoWrongBlock() throws {
    let (old, new) = (random.noise(), random.noise())
    let first = try journal.append([], [old]).firstBlock
    let digest = new.withUnsafeBytes { Digest(of: $0) }
    let segment = try journal.ledger.segments.segment(first.segment)
    var entry = try journal.ledger.segments.entries(first, count: 1, mayBlock: true)[0]
    entry.digest = digest
    segment.append([entry])
    journal.ledger.hints.insert([(digest, first.advanced(by: 1))])
    #expect(journal.ledger.prepare([new]).pages == [.new(0)])
  }

  @Test mutating func aDamagedBlockIsNoDuplicate() throws {
    let disk = MemoryStorage()
    let journal = try Journal(disk)
    let page = random.noise()
    let position = journal.ledger.position
    try journal.append([], [page])
    #expect(journal.ledger.prepare([page]).pages != [.new(0)])
    let file = try disk.open(segmentPath(1), .readingAndWriting)
    try file.write([0xff, 0xff, 0xff], at: position.offset + 1000)
    #expect(journal.ledger.prepare([page]).pages == [.new(0)])
  }

  @Test mutating func aBlockOfASweptSegmentIsNoDuplicate() throws {
    let page = random.noise()
    try journal.append([], [page])
    journal.ledger.beginNewSegment()
    try journal.append([9])
    try journal.ledger.flushAndSeal(before: 2)
    journal.ledger.beginMarking()
    let report = try journal.ledger.sweep(before: 2, live: [:])
    #expect(report.removed == 1)
    #expect(journal.ledger.prepare([page]).pages == [.new(0)])
  }

  @Test mutating func aDuplicateFoundWhileMarkingKeepsItsSegment() throws {
    let page = random.noise()
    let block = try journal.append([], [page]).firstBlock
    journal.ledger.beginNewSegment()
    try journal.append([9])
    try journal.ledger.flushAndSeal(before: 2)
    journal.ledger.beginMarking()
    #expect(journal.ledger.prepare([page]).pages == [.duplicate(block)])
    #expect(try journal.ledger.sweep(before: 2, live: [:]).removed == 0)
    #expect(try journal.ledger.page(block) == page)
  }

  @Test mutating func punchingKeepsLiveBlocksAndTheChain() throws {
    let pages = (0..<4).map { _ in random.noise() }
    let first = try journal.append([7], pages).firstBlock
    journal.ledger.beginNewSegment()
    try journal.append([9])
    try journal.ledger.flushAndSeal(before: 2)
    journal.ledger.beginMarking()
    var live = LiveSlots()
    live.insert(3..<4)
    #expect(try journal.ledger.sweep(before: 2, live: [1: live]).bytesFreed >= 8192)
    #expect(try journal.ledger.page(first.advanced(by: 3)) == pages[3])
    #expect(throws: LedgerError.self) { try journal.ledger.page(first.advanced(by: 1)) }
    var bodies: [[UInt8]] = []
    try journal.ledger.scan(from: 1, verifyingPayload: true) { record in
      bodies.append([UInt8](record.body))
      return true
    }
    #expect(bodies == [[7], [9]], "the records are verified without what was given back")
  }
}
