import Benchmark
import FileSystem
import Store
import Workloads

// What single operations of the core cost, in this process and without a mount. Wall-clock figures of a busy machine
// are noise: compare medians of two runs that alternate, or the instructions. Each scenario builds what it needs
// once, before its first iteration.

let benchmarks: @Sendable () -> Void = {
  Benchmark.defaultConfiguration = Benchmark.Configuration(
    metrics: [.wallClock, .instructions, .throughput], warmupIterations: 3, maxDuration: .seconds(2),
    maxIterations: 20_000)
  ledgerBenchmarks()
  treeBenchmarks()
  fileBenchmarks()
  forkBenchmarks()
  transferBenchmarks()
}

/// A store of its own, removed when the benchmark is over.
final class StoreFixture: @unchecked Sendable {
  let directory: TemporaryDirectory
  let store: Store
  let fileSystem: FileSystem

  init(_ shape: StoreShape, options: StoreOptions = StoreOptions()) throws {
    directory = try TemporaryDirectory()
    store = try shape.makeStore(at: directory.path("store"), options: options)
    fileSystem = FileSystem(try store.volume(try Reference(fork: "prod")))
  }

  deinit { try? store.close() }
}

/// Runs what must not fail.
func must<Result, Failure: Error>(_ body: () throws(Failure) -> Result) -> Result {
  do throws(Failure) { return try body() } catch { fatalError("\(error)") }
}
