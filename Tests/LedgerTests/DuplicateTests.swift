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

  /// XXH3 multiplies the lower half of each 8 bytes, mixed with a public constant, with their upper half. Where the lower half is that
  /// constant the product is zero, and what the upper half adds to one place can be taken from another.
  @Test mutating func aCollisionOfDigestsLeadsToNoWrongBlock() throws {
    var one = random.noise()
    one.replaceSubrange(0..<8, with: [0xb8, 0xfe, 0x6c, 0x39, 5, 0, 0, 0])
    one.replaceSubrange(64..<72, with: [0x7c, 0x01, 0x81, 0x2c, 9, 0, 0, 0])
    var other = one
    (other[4], other[68]) = (6, 8)
    let digests = [one, other].map { $0.withUnsafeBytes { Digest(of: $0) } }
    #expect(digests[0] == digests[1] && one != other, "these two pages collide")

    let first = try journal.append([], [one]).firstBlock
    #expect(journal.ledger.prepare([other]).pages == [.new(0)])
    let second = try journal.append([], [other]).firstBlock
    #expect(try journal.ledger.page(first) == one)
    #expect(try journal.ledger.page(second) == other)
    #expect(journal.ledger.prepare([other]).pages == [.duplicate(second)])
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
