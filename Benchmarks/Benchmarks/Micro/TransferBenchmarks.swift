import Benchmark
import Glibc
import Store
import SystemIO
import Transfer
import Workloads

/// Imports, each into the same store under another name; the content is new to the store each time it is asked to be.
func transferBenchmarks() {
  final class Fixture: @unchecked Sendable {
    let store: StoreFixture
    let source: String
    let directory: FileDescriptor
    var count = 0

    init(files: Int, size: Int) throws {
      store = try StoreFixture(.small)
      source = store.directory.path("source")
      try DirectoryStorage.makeDirectory(at: source)
      directory = try FileDescriptor(opening: source, flags: O_RDONLY | O_DIRECTORY)
      let content = ContentBuffer(count: min(size, 1 << 20), .compressible)
      for index in 0..<files {
        let file = try FileDescriptor(opening: source + "/file\(index)", flags: O_WRONLY | O_CREAT, permissions: 0o644)
        for part in stride(from: 0, to: size, by: content.bytes.count) {
          content.renew(UInt64(index) << 32 + UInt64(part))
          guard write(file.rawValue, content.bytes.baseAddress, content.bytes.count) == content.bytes.count else {
            throw Errno.last
          }
        }
      }
    }
  }

  let configuration = Benchmark.Configuration(
    metrics: [.wallClock, .throughput], warmupIterations: 0, maxDuration: .seconds(10), maxIterations: 10)
  for (name, files, size) in [("2,000 files of 4 KiB", 2000, 4 << 10), ("2 files of 128 MiB", 2, 128 << 20)] {
    Benchmark(
      "import \(name), first in a store", configuration: configuration,
      closure: { (benchmark: Benchmark, state: [Fixture]) in
        for iteration in benchmark.scaledIterations {
          let fixture = must { try Fixture(files: files, size: size) }
          benchmark.startMeasurement()
          must { () throws(TransferError) in
            _ = try importDirectory(
              fixture.directory, describedAs: Array(fixture.source.utf8), into: fixture.store.store,
              as: "import\(iteration)")
          }
          benchmark.stopMeasurement()
        }
      }, setup: { [] })
  }
}
