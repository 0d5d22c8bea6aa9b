import Synchronization
import SystemIO
import TestSupport
import Testing

@testable import Ledger

/// Who waits for a flush waits for the disk, and is told the truth.
@Suite struct FlushTests {
  /// The first flush is held until every thread has appended; the others then share one.
  @Test func manyThreadsShareAFlush() throws {
    let count = 24
    let disk = SimulatedDisk()
    let journal = try Journal(disk, options: LedgerOptions())
    try journal.append([0])
    let arrived = Monitor(0)
    let flushes = Atomic(0)
    disk.fail { call, _ in
      guard call == .synchronize else { return nil }
      flushes.wrappingAdd(1, ordering: .relaxed)
      arrived.wait { $0 >= count ? () : nil }
      return nil
    }
    let ledger = journal.ledger
    try onThreads(count) { index in
      let record = try ledger.append(kind: 1, head: 1, time: 1, body: [UInt8(index)])
      arrived.notifyAll { $0 += 1 }
      try ledger.flush(through: record.lsn)
      #expect(ledger.durableLSN >= record.lsn)
    }
    #expect(
      flushes.load(ordering: .relaxed) <= 3, "a flush that runs, one for all who came meanwhile, and who came last")
    #expect(try Journal(disk.afterPowerCut(seed: 0)).records.count == count + 1)
  }

  @Test(arguments: [UInt64](1...3))
  func whatAThreadFlushedSurvivesWhateverOthersDo(seed: UInt64) throws {
    let disk = SimulatedDisk()
    let journal = try Journal(disk)
    let ledger = journal.ledger
    try onThreads(8) { index in
      var random = SeededRandom(seed: seed * 100 + UInt64(index))
      for _ in 0..<12 {
        let page = random.noise()
        let record = try ledger.append(
          kind: 1, head: 1, time: 1, body: [UInt8(index)], blocks: ledger.prepare([page]))
        guard random.oneIn(2) else { continue }
        try ledger.flush(through: record.lsn)
        guard random.oneIn(4) else { continue }
        let survivor = try Journal(disk.afterPowerCut(seed: random.next()))
        #expect(survivor.ledger.lastLSN >= record.lsn, "seed \(seed)")
        #expect(try survivor.ledger.page(record.firstBlock) == page, "seed \(seed)")
      }
    }
    #expect(ledger.lastLSN == 96)
    #expect(try Journal(disk.afterKill()).records.count == 96)
  }

  @Test func aFailedFlushStopsTheLedgerForGood() throws {
    let disk = SimulatedDisk()
    let journal = try Journal(disk)
    try journal.append([1])
    try journal.flush()
    try journal.append([2])
    disk.fail { call, _ in call == .synchronize ? .inputOutput : nil }
    #expect(throws: LedgerError.self) { try journal.flush() }
    disk.fail(nil)
    #expect(throws: LedgerError.self) { try journal.flush() }
    #expect(throws: LedgerError.self) { try journal.append([3]) }
    #expect(throws: LedgerError.self) { try journal.ledger.flushAndSeal(before: 1) }
    try journal.ledger.flush(through: 1)
    #expect(journal.ledger.durableLSN == 1)
    #expect(try Journal(disk.afterKill()).records.count == 2, "only a new start tells what is there")
  }

  @Test func aFailedFlushFailsAllWhoWait() throws {
    let disk = SimulatedDisk()
    let journal = try Journal(disk)
    let ledger = journal.ledger
    disk.fail { call, _ in call == .synchronize ? .inputOutput : nil }
    try onThreads(8) { index in
      guard let record = try? ledger.append(kind: 1, head: 1, time: 1, body: [UInt8(index)]) else { return }
      #expect(throws: LedgerError.self) { try ledger.flush(through: record.lsn) }
    }
    #expect(ledger.durableLSN == 0)
  }

  /// The host took what it could not write for written, showed it to the next start from its memory, and that start flushed nothing of it.
  @Test func aNewStartAfterAFailedFlushCountsWhatTheDiskHas() throws {
    let disk = SimulatedDisk()
    let journal = try Journal(disk)
    try journal.append([1])
    try journal.flush()
    try journal.append([2])
    disk.fail { call, _ in call == .synchronize ? .inputOutput : nil }
    #expect(throws: LedgerError.self) { try journal.flush() }
    disk.fail(nil)
    let again = try Journal(disk)
    try again.append([3])
    try again.flush()
    for seed in 0..<20 as Range<UInt64> {
      #expect(try Journal(disk.afterPowerCut(seed: seed)).records.count == again.records.count + 1, "seed \(seed)")
    }
  }
}
