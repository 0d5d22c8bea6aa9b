import Synchronization
import SystemIO
import TestSupport
import Testing

@testable import Ledger

/// One record as a test wrote it or read it back.
struct TestRecord: Equatable, CustomTestStringConvertible {
  var body: [UInt8]
  /// The content of its pages, holes left out.
  var pages: [[UInt8]]

  var testDescription: String { "\(body.prefix(4)), \(pages.count) pages" }
}

/// A ledger on some disk, with what was appended to it.
final class Journal {
  let ledger: Ledger
  let report: RecoveryReport
  /// What recovery read, in order.
  let recovered: [(record: TestRecord, lsn: UInt64)]
  private(set) var appended: [TestRecord] = []

  static var options: LedgerOptions {
    var options = LedgerOptions()
    options.segmentSize = 24 << 10
    options.allocationStep = 8 << 10
    options.hintCapacity = 1 << 10
    return options
  }

  /// Makes the ledger's directory where there is none, and recovers.
  init(
    _ storage: any Storage, from start: LedgerPosition = .start, options: LedgerOptions = options
  ) throws {
    try? storage.makeDirectory("ledger")
    var read: [(TestRecord, UInt64, [BlockReference])] = []
    let (ledger, report) = try Ledger.open(storage, options, from: start, nextSegment: start.segment) { record in
      let blocks = (0..<Int(record.header.slotCount)).map { record.firstBlock.advanced(by: $0) }
      read.append((TestRecord(body: [UInt8](record.body), pages: []), record.header.lsn, blocks))
    }
    var recovered: [(TestRecord, UInt64)] = []
    for (record, lsn, blocks) in read {
      recovered.append((TestRecord(body: record.body, pages: try blocks.map { try ledger.page($0) }), lsn))
    }
    (self.ledger, self.report, self.recovered) = (ledger, report, recovered)
  }

  /// Appends a record with new pages; duplicates and holes bring none.
  @discardableResult
  func append(_ body: [UInt8], _ pages: [[UInt8]] = [], usingReserve: Bool = false) throws -> AppendedRecord {
    let blocks = pages.isEmpty ? nil : ledger.prepare(pages)
    let record = try ledger.append(
      kind: 1, head: 2, time: 3, body: body, blocks: blocks, usingReserve: usingReserve)
    let new = blocks?.pages.enumerated().filter { if case .new = $0.element { true } else { false } } ?? []
    appended.append(TestRecord(body: body, pages: new.map { pages[$0.offset] }))
    return record
  }

  func flush() throws { try ledger.flush(through: ledger.lastLSN) }

  var records: [TestRecord] { recovered.map(\.record) }
}

extension Ledger {
  func prepare(_ pages: [[UInt8]]) -> PreparedBlocks { pages.flatMap { $0 }.withUnsafeBytes { prepare($0) } }

  func page(_ block: BlockReference) throws -> [UInt8] { try pages(block, 1)[0] }

  func pages(_ first: BlockReference, _ count: Int) throws -> [[UInt8]] {
    var bytes = [UInt8](repeating: 0xaa, count: count * blockSize)
    try bytes.withUnsafeMutableBytes { (buffer) throws in
      try readBlocks(first, count: count, into: buffer, mayBlock: true)
    }
    return (0..<count).map { Array(bytes[$0 * blockSize..<($0 + 1) * blockSize]) }
  }
}

extension SeededRandom {
  /// A page that does not compress.
  mutating func noise() -> [UInt8] { bytes(blockSize) }

  /// A page that compresses well, unlike others.
  mutating func text() -> [UInt8] {
    let word = bytes(16)
    return (0..<blockSize).map { word[$0 % 16] }
  }
}

/// The path of a segment of the ledger.
func segmentPath(_ number: Int) -> String { "ledger/" + String("0000000000\(number)".suffix(10)) }

extension LedgerError {
  /// Damage of a version cannot be told from a newer one; either is refused.
  var isDamage: Bool {
    switch self {
    case .damaged, .newerFormat: true
    default: false
    }
  }
}

/// Opens a ledger that must be refused as damaged, or may be opened; nil where it was refused.
func openUnlessDamaged(_ storage: MemoryStorage, from start: LedgerPosition = .start) throws -> Journal? {
  do {
    return try Journal(storage, from: start)
  } catch let error as LedgerError {
    guard error.isDamage else { throw error }
    return nil
  }
}
