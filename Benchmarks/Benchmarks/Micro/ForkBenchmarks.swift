import Benchmark
import FileSystem
import Store
import SystemIO
import Workloads

/// A store whose forks are made and dropped one after the other.
private final class ForkFixture: @unchecked Sendable {
  let fixture: StoreFixture
  let source: Reference
  var count = 0

  init(_ shape: StoreShape, existingForks: Int = 0, depth: Int = 0) throws {
    fixture = try StoreFixture(shape)
    var source = try Reference(fork: "prod")
    for index in 0..<existingForks { _ = try fixture.store.fork(source, as: "other\(index)") }
    for index in 0..<depth {
      _ = try fixture.store.fork(source, as: "depth\(index)")
      source = try Reference(fork: "depth\(index)")
    }
    self.source = source
  }

  func fork() throws(StoreError) {
    count += 1
    _ = try fixture.store.fork(source, as: "fork\(count)")
  }
}

func forkBenchmarks() {
  let scenarios: [(String, @Sendable () throws -> ForkFixture)] = [
    ("fork, 10 files", { try ForkFixture(.small) }),
    ("fork, 10 files, behind 1,000 forks", { try ForkFixture(.small, existingForks: 1000) }),
    ("fork, 10 files, at depth 200", { try ForkFixture(.small, depth: 200) }),
    ("fork, 50 GiB file", { try ForkFixture(.hugeFile) }),
    ("fork, 1,000,000 files", { try ForkFixture(.manyFiles) }),
  ]
  let configuration = Benchmark.Configuration(
    metrics: [.wallClock, .instructions, .throughput], maxDuration: .seconds(2), maxIterations: 2000)
  for (name, setup) in scenarios {
    Benchmark(
      name, configuration: configuration,
      closure: { (benchmark: Benchmark, fixture: ForkFixture) in
        for _ in benchmark.scaledIterations { must { () throws(StoreError) in try fixture.fork() } }
      }, setup: { try setup() })
  }
  Benchmark(
    "first 4 KiB write in a fork, 50 GiB file", configuration: configuration,
    closure: { (benchmark: Benchmark, fixture: ForkFixture) in
      let page = ContentBuffer(count: 4096)
      for index in benchmark.scaledIterations {
        page.renew(UInt64(index) + UInt64(fixture.count))
        must { () throws(StoreError) in try fixture.fork() }
        let volume = must { () throws(StoreError) in
          try fixture.fixture.store.volume(try Reference(fork: "fork\(fixture.count)"))
        }
        let fork = FileSystem(volume)
        let inode = must { () throws(Errno) in try fork.lookup(FileSystem.rootInode, Array("huge".utf8)).inode }
        benchmark.startMeasurement()
        must { () throws(Errno) in _ = try fork.write(inode, at: 25 << 30, page.content) }
        benchmark.stopMeasurement()
      }
    }, setup: { try ForkFixture(.hugeFile) })
  historyBenchmarks(configuration)
}

/// Diffs and checkpoints of the million files.
private func historyBenchmarks(_ configuration: Benchmark.Configuration) {
  Benchmark(
    "diff after one page changed, 1,000,000 files", configuration: configuration,
    closure: { (benchmark: Benchmark, fixture: ForkFixture) in
      for _ in benchmark.scaledIterations {
        blackHole(
          must { () throws(StoreError) in
            try fixture.fixture.store.diff(try Reference(fork: "prod"), try Reference(fork: "changed"))
          })
      }
    },
    setup: {
      let fixture = try ForkFixture(.manyFiles)
      _ = try fixture.fixture.store.fork(fixture.source, as: "changed")
      let fork = FileSystem(try fixture.fixture.store.volume(try Reference(fork: "changed")))
      let directory = try fork.lookup(FileSystem.rootInode, Array("directory500".utf8)).inode
      let file = try fork.lookup(directory, Array("file500".utf8)).inode
      let page = ContentBuffer(count: 4096, seed: 9)
      _ = try withExtendedLifetime(page) { try fork.write(file, at: 0, page.content) }
      return fixture
    })
  Benchmark(
    "checkpoint after 1,000 changed files, 1,000,000 files", configuration: configuration,
    closure: { (benchmark: Benchmark, fixture: ForkFixture) in
      let page = ContentBuffer(count: 4096)
      for _ in benchmark.scaledIterations {
        fixture.count += 1
        page.renew(UInt64(fixture.count))
        let inode = must { () throws(Errno) in
          try fixture.fixture.fileSystem.lookup(FileSystem.rootInode, Array("directory\(fixture.count % 1000)".utf8))
            .inode
        }
        for file in 0..<1000 {
          must { () throws(Errno) in
            let file = try fixture.fixture.fileSystem.lookup(inode, Array("file\(file)".utf8)).inode
            _ = try fixture.fixture.fileSystem.write(file, at: 0, page.content)
          }
        }
        benchmark.startMeasurement()
        must { () throws(StoreError) in try fixture.fixture.store.checkpoint() }
        benchmark.stopMeasurement()
      }
    }, setup: { try ForkFixture(.manyFiles) })
}
