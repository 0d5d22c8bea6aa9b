import SystemIO
import TestSupport
import Testing

@testable import Ledger

/// Repair of segments by themselves.
@Suite struct RepairTests {
  private var random = SeededRandom(seed: 31)

  private func segment(_ header: SegmentHeader, _ content: [UInt8]) -> MemoryStorage {
    MemoryStorage(directories: ["", "ledger"], files: [segmentPath(1): header.encoded() + content])
  }

  /// A record with the highest number there is let the count behind it overflow.
  @Test func aRecordWithAnImpossibleNumberIsNone() throws {
    let salt: UInt64 = 7
    let header = SegmentHeader(number: 1, salt: salt, firstLSN: 1, previousChecksum: 0, durableLSN: 0)
    for (lsn, isFound) in [(UInt64.max, false), (5, true)] {
      var record = RecordFormat.encode(kind: 1, head: 2, time: 3, body: [1, 2, 3], slots: [], payload: 0)
      _ = RecordFormat.seal(&record, lsn: lsn, durableLSN: 0, previousChecksum: 0, firstSlot: 0, salt: salt)
      let disk = segment(header, [UInt8](repeating: 1, count: 96) + record + [UInt8](repeating: 0, count: 96))
      var scanner = try SegmentScanner(Segment(header, file: disk.open(segmentPath(1), .reading)))
      guard case .invalid = try scanner.next(verifyingPayload: false) else { throw Errno.invalidArgument }
      #expect(try scanner.skipDamage() == isFound)
      #expect(scanner.position.nextLSN == (isFound ? lsn : 1))
    }
  }

  /// A slot directory and the checksums of its chunks, which both are lost, are told by the records; a record's slot
  /// table beside them by what is left.
  @Test(arguments: [true, false]) mutating func aDirectoryAndItsChecksumsAreRebuilt(losingTable: Bool) throws {
    let disk = MemoryStorage()
    let journal = try Journal(disk)
    var last = 0
    for _ in 0..<4 {
      last = Int(journal.ledger.position.offset)
      try journal.append(random.bytes(8), (0..<64).map { _ in random.text() })
    }
    journal.ledger.beginNewSegment()
    try journal.ledger.flushAndSeal(before: 2)
    let whole = disk.bytes(of: segmentPath(1))
    let sums = whole.count - SegmentFooter.size - 2 * 8
    let directory = sums - 256 * SlotEntry.encodedSize
    var damaged = whole
    for offset in [directory + 30, sums + 1, sums + 9] + (losingTable ? [last + 100] : []) {
      for byte in offset..<offset + 3 { damaged[byte] ^= 0x55 }
    }
    disk.replace(segmentPath(1), with: damaged)
    var repair = SegmentRepair(disk, directory: "ledger", checkpoint: journal.ledger.position)
    try repair.run()
    #expect(repair.repairs.count == (losingTable ? 2 : 1), "\(repair.repairs)")
    #expect(disk.bytes(of: segmentPath(1)) == whole)
  }

  /// The search for a bit ends soon where it cannot find one.
  @Test mutating func whatIsLostOrLongIsNotSearched() throws {
    let disk = MemoryStorage()
    for (bytes, isSearched) in [
      (random.bytes(4096), true), ([UInt8](repeating: 0, count: 64), true), ([UInt8](repeating: 0, count: 65), false),
      (random.bytes((64 << 10) + 1), false),
    ] {
      disk.replace("piece", with: bytes)
      var tried = 0
      let isFound = try disk.open("piece", .readingAndWriting).correctFlippedBit(at: 0, count: bytes.count) { _ in
        tried += 1
        return false
      }
      #expect(!isFound && tried == (isSearched ? bytes.count * 8 : 0), "\(bytes.count) bytes")
      #expect(disk.bytes(of: "piece") == bytes)
    }
  }

  /// The number of the last record of a segment that begins with number 0 was one less than that.
  @Test func aSegmentThatBeginsBeforeTheFirstRecordIsNotSealed() throws {
    let header = SegmentHeader(number: 1, salt: 7, firstLSN: 0, previousChecksum: 0, durableLSN: 0)
    let disk = segment(header, [UInt8](repeating: 0, count: 96))
    let before = disk.bytes(of: segmentPath(1))
    var repair = SegmentRepair(
      disk, directory: "ledger",
      checkpoint: LedgerPosition(segment: 2, offset: 4096, nextLSN: 0, previousChecksum: 0))
    try repair.run()
    #expect(repair.repairs == [] && disk.bytes(of: segmentPath(1)) == before)
  }
}
