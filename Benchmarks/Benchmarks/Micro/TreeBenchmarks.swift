import Benchmark
import SystemIO
import Tree
import Workloads

/// A tree of a million entries, all of it in memory.
private final class TreeFixture: @unchecked Sendable {
  /// Nothing is ever written, so nothing is read.
  private final class NoNodes: NodeSource {
    func readNode(
      _ reference: NodeReference, into page: UnsafeMutableRawBufferPointer, mayBlock: Bool
    ) throws(TreeError) -> Int {
      throw .damaged("node \(reference) was never written")
    }
  }

  static let entries: UInt64 = 1_000_000
  let pool = NodePool(NoNodes(), generation: 1, cleanCapacity: 1 << 20)
  var tree = Tree(epoch: 1)
  var noise = Noise(seed: 1)
  var epoch: UInt64 = 1

  init() throws {
    let value = [UInt8](repeating: 1, count: 24)
    for object in 0..<Self.entries { try put(TreeKey(object, 0), value) }
  }

  func put(_ key: TreeKey, _ value: [UInt8]) throws(TreeError) {
    try pool.writing { () throws(TreeError) in
      try value.withUnsafeBytesTyped { (bytes) throws(TreeError) in try pool.put(key, bytes, in: &tree) }
    }
  }

  var randomKey: TreeKey { TreeKey(noise.next() % Self.entries, 0) }
}

func treeBenchmarks() {
  let value = [UInt8](repeating: 2, count: 24)
  let configuration = Benchmark.Configuration(
    metrics: [.wallClock, .instructions, .throughput], scalingFactor: .kilo, maxDuration: .seconds(2),
    maxIterations: 1000)
  Benchmark(
    "tree get, of a million", configuration: configuration,
    closure: { (benchmark: Benchmark, fixture: TreeFixture) in
      for _ in benchmark.scaledIterations {
        let key = fixture.randomKey
        blackHole(
          must { () throws(TreeError) in
            try fixture.pool.reading { () throws(TreeError) in try fixture.pool.find(key, in: fixture.tree)?.count }
          })
      }
    }, setup: { try TreeFixture() })
  Benchmark(
    "tree put in place, of a million", configuration: configuration,
    closure: { (benchmark: Benchmark, fixture: TreeFixture) in
      for _ in benchmark.scaledIterations { must { () throws(TreeError) in try fixture.put(fixture.randomKey, value) } }
    }, setup: { try TreeFixture() })
  Benchmark(
    "tree put after a fork, of a million",
    closure: { (benchmark: Benchmark, fixture: TreeFixture) in
      for _ in benchmark.scaledIterations {
        fixture.epoch += 1
        fixture.tree.epoch = fixture.epoch
        must { () throws(TreeError) in try fixture.put(fixture.randomKey, value) }
      }
    }, setup: { try TreeFixture() })
  Benchmark(
    "tree scan of 1,000 entries",
    closure: { (benchmark: Benchmark, fixture: TreeFixture) in
      for _ in benchmark.scaledIterations {
        let first = fixture.randomKey
        var sum = 0
        must { () throws(TreeError) in
          try fixture.pool.reading { () throws(TreeError) in
            sum = 0
            _ = try fixture.pool.scan(from: first, through: TreeKey(first.object + 999, .max), in: fixture.tree) {
              _, value in
              sum += value.count
              return true
            }
          }
        }
        blackHole(sum)
      }
    }, setup: { try TreeFixture() })
}
