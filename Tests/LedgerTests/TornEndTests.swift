import SystemIO
import TestSupport
import Testing

@testable import Ledger

/// The last records of a ledger, cut at every byte, and with every byte flipped.
@Suite struct TornEndTests {
  private let disk = MemoryStorage()
  private let journal: Journal
  /// Where each record of the last segment ends.
  private let ends: [Int]
  private let path: String
  /// How many records were flushed before the last ones were appended.
  private let flushed: Int

  init() throws {
    var random = SeededRandom(seed: 11)
    let journal = try Journal(disk)
    for number in 0..<6 { try journal.append([UInt8(number)], [random.noise()]) }
    journal.ledger.beginNewSegment()
    var ends: [Int] = []
    func append(_ body: [UInt8], _ pages: [[UInt8]]) throws {
      try journal.append(body, pages)
      ends.append(Int(journal.ledger.position.offset))
    }
    try append(random.bytes(5), [])
    try append(random.bytes(30), [random.text(), random.text()])
    try journal.flush()
    let flushed = journal.appended.count
    try append(random.bytes(9), [random.text()])
    try append([], [])
    try append(random.bytes(17), [])
    (self.journal, self.ends, self.flushed) = (journal, ends, flushed)
    path = segmentPath(Int(journal.ledger.position.segment))
  }

  private var first: Int { journal.appended.count - ends.count }

  /// What stands behind the cut was never written: the file ends there, or its reserved space follows.
  @Test(arguments: [false, true])
  func aCutAtAnyByteLeavesTheRecordsBeforeIt(fillsWithZeros: Bool) throws {
    let whole = disk.bytes(of: path)
    let lengths = [0, 1, 55, 56, 4095] + Array(SegmentHeader.size...ends.last!)
    for length in lengths {
      let cut = disk.copy()
      let rest = fillsWithZeros ? whole.count - length : 0
      cut.replace(path, with: whole[..<length] + [UInt8](repeating: 0, count: rest))
      if fillsWithZeros, length > 0, length < 56 {
        // Less than a sector can't be half written.
        #expect(try openUnlessDamaged(cut) == nil, "a header of \(length) bytes")
        continue
      }
      let left = cut.bytes(of: path)
      let again = try Journal(cut)
      // The last bytes of a record may be zeros themselves.
      let intact = ends.prefix { $0 <= left.count && left[length..<max(length, $0)] == whole[length..<max(length, $0)] }
      #expect(again.records == Array(journal.appended[..<(first + intact.count)]), "cut at \(length)")
      #expect(try Journal(cut).records == again.records, "cut at \(length), opened once more")
    }
  }

  @Test func aFlippedByteIsNeverReadAndNeverHidesWhatWasFlushed() throws {
    var refused = 0
    for offset in 0..<ends.last! where offset < 100 || offset >= SegmentHeader.size {
      let flipped = disk.copy()
      flipped.flip(path, at: offset)
      let before = flipped.paths.map(flipped.bytes)
      guard let again = try openUnlessDamaged(flipped) else {
        #expect(offset < ends[1], "byte \(offset) belongs to a record that was never flushed")
        #expect(flipped.paths.map(flipped.bytes) == before, "byte \(offset): what is refused is not changed")
        refused += 1
        continue
      }
      // Some bytes mean nothing: those between blocks, and the rest of the header's page.
      if again.records == journal.appended { continue }
      let whole = ends.filter { $0 <= offset }.count
      #expect(again.records == Array(journal.appended[..<(first + whole)]), "byte \(offset)")
      #expect(again.records.count >= flushed, "byte \(offset): a flushed record was dropped")
    }
    #expect(refused > ends[1] - SegmentHeader.size, "damage of flushed records was found")
  }

  /// A record whose sectors the disk lost reads as zeros, like the end of the ledger.
  @Test func aFlushedRecordThatReadsAsZerosIsDamage() throws {
    let lost = disk.copy()
    var bytes = disk.bytes(of: path)
    bytes.replaceSubrange(ends[0]..<ends[1], with: repeatElement(0, count: ends[1] - ends[0]))
    lost.replace(path, with: bytes)
    #expect(try openUnlessDamaged(lost) == nil)
    bytes.replaceSubrange(ends[2]..<ends[3], with: repeatElement(0, count: ends[3] - ends[2]))
    bytes.replaceSubrange(ends[0]..<ends[1], with: disk.bytes(of: path)[ends[0]..<ends[1]])
    lost.replace(path, with: bytes)
    #expect(try Journal(lost).records.count == flushed + 1, "one that was not flushed is the end")
  }

  /// Blocks hold what tenants like, also records and footers.
  @Test func bytesInABlockDoNotPoseAsRecordsOrFooters() throws {
    var random = SeededRandom(seed: 3)
    let disk = MemoryStorage()
    let journal = try Journal(disk)
    try journal.append([1])
    let record = RecordFormat.encode(kind: 1, head: 1, time: 1, body: [6], slots: [], payload: 0)
    var forged = random.noise()
    for start in stride(from: 0, to: 4096 - record.count, by: 2048) {
      var copy = record
      _ = RecordFormat.seal(&copy, lsn: 99, durableLSN: 99, previousChecksum: 0, firstSlot: 0, salt: 0)
      forged.replaceSubrange(start..<start + copy.count, with: copy)
    }
    let end = journal.ledger.position.offset + 96 + 4096
    let footer = SegmentFooter(
      number: 1, slotCount: 0, contentEnd: end - 64, directoryOffset: end - 64, lastLSN: 2, lastChecksum: 0,
      directoryChecksum: [UInt8]().withUnsafeBytes { checksum($0) })
    forged.replaceSubrange(4032..<4096, with: footer.encoded(salt: 0))
    try journal.append([2], [forged])
    #expect(journal.ledger.position.offset == end, "the page is stored as it is")
    let torn = disk.copy()
    torn.replace(segmentPath(1), with: Array(disk.bytes(of: segmentPath(1))[..<Int(end)]))
    #expect(try Journal(torn).records == journal.appended)
    // The header of the record with the forged block is gone.
    torn.replace(segmentPath(1), with: Array(disk.bytes(of: segmentPath(1))[..<Int(end)]))
    torn.flip(segmentPath(1), at: Int(end) - 4096 - 96)
    #expect(try Journal(torn).records == [journal.appended[0]])
  }
}
