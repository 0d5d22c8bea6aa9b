import Benchmark
import Ledger
import SystemIO
import Workloads

/// A ledger without a store.
private final class LedgerFixture: @unchecked Sendable {
  let directory: TemporaryDirectory
  let ledger: Ledger
  var stamp: UInt64 = 0

  init(_ options: LedgerOptions = LedgerOptions()) throws {
    directory = try TemporaryDirectory()
    let storage = try DirectoryStorage(opening: directory.path)
    try storage.makeDirectory("ledger")
    ledger = try Ledger.open(storage, options, from: .start, nextSegment: 1) { _ in }.ledger
  }

  func append(body: [UInt8] = [], _ content: UnsafeRawBufferPointer? = nil) -> AppendedRecord {
    must { () throws(LedgerError) in
      try ledger.append(kind: 23, head: 1, time: 0, body: body, blocks: content.map { ledger.prepare($0) })
    }
  }
}

func ledgerBenchmarks() {
  let body = [UInt8](repeating: 7, count: 45)
  Benchmark(
    "ledger append 45 B",
    closure: { (benchmark: Benchmark, fixture: LedgerFixture) in
      for _ in benchmark.scaledIterations { blackHole(fixture.append(body: body)) }
    }, setup: { try LedgerFixture() })

  for size in [8 << 10, 1 << 20] {
    let name = size == 1 << 20 ? "1 MiB" : "8 KiB"
    let configuration = Benchmark.Configuration(
      metrics: [.wallClock, .instructions, .throughput], maxDuration: .seconds(2),
      maxIterations: size == 1 << 20 ? 500 : 20_000)
    for content in Content.allCases {
      let buffer = ContentBuffer(count: size, content)
      Benchmark(
        "ledger append \(name) \(content.rawValue)", configuration: configuration,
        closure: { (benchmark: Benchmark, fixture: LedgerFixture) in
          for _ in benchmark.scaledIterations {
            fixture.stamp += 1
            buffer.renew(fixture.stamp)
            blackHole(fixture.append(buffer.content))
          }
        }, setup: { try LedgerFixture() })
    }
    let buffer = ContentBuffer(count: size)
    Benchmark(
      "ledger append \(name) duplicate", configuration: configuration,
      closure: { (benchmark: Benchmark, fixture: LedgerFixture) in
        for _ in benchmark.scaledIterations { blackHole(fixture.append(buffer.content)) }
      }, setup: { try LedgerFixture() })
  }
  flushBenchmarks()
  readBenchmarks()
}

private func flushBenchmarks() {
  let page = ContentBuffer(count: 8 << 10)
  for (name, distance) in [("", LedgerOptions().zeroedAhead), (", nothing zeroed ahead", 0)] {
    Benchmark(
      "ledger append 8 KiB and flush\(name)",
      closure: { (benchmark: Benchmark, fixture: LedgerFixture) in
        for _ in benchmark.scaledIterations {
          fixture.stamp += 1
          page.renew(fixture.stamp)
          let record = fixture.append(page.content)
          must { () throws(LedgerError) in try fixture.ledger.flush(through: record.lsn) }
        }
      },
      setup: {
        var options = LedgerOptions()
        options.zeroedAhead = distance
        return try LedgerFixture(options)
      })
  }

  Benchmark(
    "ledger append 45 B and flush, 16 writers together, 160 records",
    closure: { (benchmark: Benchmark, fixture: LedgerFixture) in
      for _ in benchmark.scaledIterations {
        inParallel(16) { _ in
          for _ in 0..<10 {
            let record = fixture.append(body: [UInt8](repeating: 7, count: 45))
            must { () throws(LedgerError) in try fixture.ledger.flush(through: record.lsn) }
          }
        }
      }
    }, setup: { try LedgerFixture() })
}

private func readBenchmarks() {
  let target = ContentBuffer(count: 1 << 20)
  for (name, pages) in [("4 KiB", 1), ("1 MiB", 256)] {
    for content in Content.allCases {
      let buffer = ContentBuffer(count: pages * 4096, content)
      Benchmark(
        "block read hot \(name) \(content.rawValue)",
        closure: { (benchmark: Benchmark, state: (LedgerFixture, AppendedRecord)) in
          for _ in benchmark.scaledIterations {
            must { () throws(LedgerError) in
              try state.0.ledger.readBlocks(state.1.firstBlock, count: pages, into: target.bytes, mayBlock: false)
            }
          }
        },
        setup: {
          let fixture = try LedgerFixture()
          return (fixture, fixture.append(buffer.content))
        })
    }
  }
}
