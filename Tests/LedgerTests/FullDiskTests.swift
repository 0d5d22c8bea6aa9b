import SystemIO
import TestSupport
import Testing

@testable import Ledger

/// A disk that becomes full.
@Suite struct FullDiskTests {
  /// Wherever the disk becomes full, also where a segment ends: a refused record leaves nothing, what gives space back is taken, and
  /// everything goes on when there is space again.
  @Test(arguments: stride(from: 20_000, to: 120_000, by: 1_777).map { $0 })
  func aFullDiskRefusesAndTakesWhatFrees(capacity: Int) throws {
    var random = SeededRandom(seed: UInt64(capacity))
    let disk = SimulatedDisk()
    disk.limit(to: capacity)
    let journal = try Journal(disk)
    var refused = false
    while !refused {
      let before = journal.ledger.position.nextLSN
      do {
        try journal.append(random.bytes(20), (0..<Int.random(in: 0...3, using: &random)).map { _ in random.noise() })
        if random.oneIn(5) { try journal.flush() }
      } catch LedgerError.storage(.noSpace) {
        #expect(journal.ledger.position.nextLSN == before)
        refused = true
      }
    }
    guard !journal.appended.isEmpty else { return }
    #expect(try Journal(disk.afterKill()).records == journal.appended)
    disk.limit(to: disk.usedBytes)
    try journal.append([7, 7], usingReserve: true)
    try journal.flush()
    try journal.append([8, 8], usingReserve: true)
    try journal.flush()
    #expect(try Journal(disk.afterPowerCut(seed: 1)).records == journal.appended)
    disk.limit(to: .max)
    try journal.append([9], [random.noise(), random.noise()])
    try journal.ledger.flushAndSeal(before: journal.ledger.position.segment)
    #expect(try Journal(disk.afterPowerCut(seed: 2)).records == journal.appended)
  }

  /// The reserve lies behind the records of the current segment. When that is full, a new one cannot be made on a full disk.
  @Test func whatFreesMayGrowAFullSegment() throws {
    let disk = SimulatedDisk()
    let journal = try Journal(disk)
    try journal.append([1])
    let room = Int(Journal.options.segmentSize) - Int(journal.ledger.position.offset)
    try journal.append([UInt8](repeating: 2, count: room - RecordFormat.headerSize - 40))
    disk.limit(to: disk.usedBytes)
    #expect(throws: LedgerError.self) { try journal.append([3]) }
    try journal.append([4], usingReserve: true)
    #expect(journal.ledger.position.segment == 1)
    try journal.flush()
    disk.limit(to: .max)
    try journal.append([5])
    #expect(journal.ledger.position.segment == 2)
    #expect(try Journal(disk.afterKill()).records == journal.appended)
  }

  /// What recovery needs of a full disk is there, and so is a little for what gives space back.
  @Test func aNewStartOnAFullDiskTakesWhatFrees() throws {
    var random = SeededRandom(seed: 1)
    let disk = SimulatedDisk()
    disk.limit(to: 60_000)
    let journal = try Journal(disk)
    while true {
      do { try journal.append([1], [random.noise()]) } catch LedgerError.storage(.noSpace) { break }
    }
    let again = try Journal(disk)
    #expect(again.records == journal.appended)
    try again.append([7, 7], usingReserve: true)
    try again.flush()
  }
}
