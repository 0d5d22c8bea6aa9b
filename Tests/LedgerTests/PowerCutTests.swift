import SystemIO
import TestSupport
import Testing

@testable import Ledger

/// A ledger on a disk that loses what was not flushed, in any part and order.
@Suite struct PowerCutTests {
  @Test(arguments: [UInt64](1...40))
  func aPrefixWithEverythingFlushedSurvives(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    let disk = SimulatedDisk()
    var journal = try Journal(disk)
    var appended: [TestRecord] = []
    var flushed = 0
    for step in 0..<60 {
      switch Int.random(in: 0..<20, using: &random) {
      case 0..<3:
        try journal.flush()
        flushed = appended.count
      case 3: journal.ledger.beginNewSegment()
      case 4:
        // The process is killed and starts again: everything is there, and counts as flushed.
        journal = try Journal(disk)
        #expect(journal.records == appended, "seed \(seed), step \(step)")
        #expect(journal.report.cut == nil, "seed \(seed), step \(step)")
        flushed = appended.count
      default:
        let pages = (0..<Int.random(in: 0...3, using: &random)).map { _ in
          random.oneIn(2) ? random.noise() : random.text()
        }
        try journal.append(random.bytes(Int.random(in: 0..<60, using: &random)), pages)
        appended.append(journal.appended.last!)
      }
      guard random.oneIn(4) else { continue }
      let cut = random.next()
      let left = disk.afterPowerCut(seed: cut)
      do {
        let survivor = try Journal(left)
        let count = survivor.records.count
        #expect(survivor.records == Array(appended.prefix(count)), "seed \(seed), step \(step), cut \(cut)")
        #expect(count >= flushed, "seed \(seed), step \(step), cut \(cut)")
        try goOn(survivor, left, &random, "seed \(seed), step \(step), cut \(cut)")
      } catch {
        Issue.record("seed \(seed), step \(step), cut \(cut): \(error)")
        return
      }
    }
  }

  private func goOn(_ journal: Journal, _ disk: MemoryStorage, _ random: inout SeededRandom, _ place: String) throws {
    let page = random.noise()
    let block = try journal.append([1, 2, 3], [page]).firstBlock
    let again = try Journal(disk)
    #expect(again.records.dropLast() == journal.records[...], "\(place)")
    #expect(try again.ledger.page(block) == page, "\(place)")
  }
}
