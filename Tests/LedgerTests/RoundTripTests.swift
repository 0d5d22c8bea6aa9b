import SystemIO
import TestSupport
import Testing

@testable import Ledger

/// What goes in comes out.
@Suite struct RoundTripTests {
  @Test(arguments: [UInt64](1...4))
  func pagesOfEveryKindAreReadBack(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    let disk = MemoryStorage()
    let journal = try Journal(disk)
    var stored: [(BlockReference, [UInt8])] = []
    for _ in 0..<60 {
      let pages = (0..<Int.random(in: 1...8, using: &random)).map { _ in
        switch Int.random(in: 0..<4, using: &random) {
        case 0: [UInt8](repeating: 0, count: blockSize)
        case 1: stored.randomElement(using: &random)?.1 ?? random.noise()
        case 2: random.text()
        default: random.noise()
        }
      }
      let prepared = journal.ledger.prepare(pages)
      let record = try journal.ledger.append(kind: 9, head: 8, time: 7, body: random.bytes(40), blocks: prepared)
      for (page, content) in zip(prepared.pages, pages) {
        switch page {
        case .hole: #expect(content.allSatisfy { $0 == 0 }, "seed \(seed)")
        case .duplicate(let block): #expect(try journal.ledger.page(block) == content, "seed \(seed)")
        case .new(let slot): stored.append((record.firstBlock.advanced(by: slot), content))
        }
      }
      if random.oneIn(10) { try journal.flush() }
    }
    #expect(journal.ledger.position.segment > 3, "segments were rolled")
    for (block, content) in stored { #expect(try journal.ledger.page(block) == content, "seed \(seed), \(block)") }
    let again = try Journal(disk.copy())
    for (block, content) in stored { #expect(try again.ledger.page(block) == content, "seed \(seed), \(block)") }
    #expect(again.report.cut == nil)
    #expect(again.ledger.lastLSN == 60)
  }

  @Test func aRunOfOneMebibyteIsOneRecord() throws {
    var random = SeededRandom(seed: 5)
    let disk = MemoryStorage()
    var options = Journal.options
    options.segmentSize = 8 << 20
    let journal = try Journal(disk, options: options)
    let pages = (0..<256).map { $0 % 3 == 0 ? random.noise() : random.text() }
    let record = try journal.append([1], pages)
    #expect(try journal.ledger.pages(record.firstBlock, 256) == pages)
    try journal.flush()
    let again = try Journal(disk.copy(), options: options)
    #expect(try again.ledger.pages(record.firstBlock, 256) == pages)
  }

  @Test func aSlotThatIsNotThereIsAnError() throws {
    var random = SeededRandom(seed: 6)
    let disk = MemoryStorage()
    let journal = try Journal(disk)
    let first = try journal.append([], [random.noise()]).firstBlock
    for ledger in [journal.ledger, try Journal(disk.copy()).ledger] {
      #expect(throws: LedgerError.self) { try ledger.pages(first, 2) }
      #expect(throws: LedgerError.self) { try ledger.page(BlockReference(segment: 7, slot: 0)) }
    }
  }

  @Test(arguments: [UInt64](1...3))
  func aScanGivesTheRecordsFromAnyLSNOn(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    let journal = try Journal(MemoryStorage())
    for number in 0..<80 { try journal.append([UInt8(number)], random.oneIn(2) ? [random.noise()] : []) }
    try journal.flush()
    for start in [1, 2, 40, 79, 80, 81] as [UInt64] {
      var found: [UInt8] = []
      try journal.ledger.scan(from: start, verifyingPayload: true) { record in
        found += [UInt8](record.body)
        return true
      }
      #expect(found == Array(UInt8(start - 1)..<80), "seed \(seed)")
    }
  }

  /// A scan once took the slot directory of a segment that was sealed meanwhile for a damaged record.
  @Test func aSegmentMayBeSealedWhileItIsScanned() throws {
    var random = SeededRandom(seed: 8)
    let journal = try Journal(MemoryStorage())
    for number in 0..<40 { try journal.append([UInt8(number)], [random.noise()]) }
    var count = 0
    try journal.ledger.scan(from: 1) { record in
      if count == 0 {
        do { try journal.ledger.flush(through: 40) } catch { Issue.record(error) }
      }
      count += 1
      return true
    }
    #expect(count == 40)
  }
}
