import Synchronization
import SystemIO

@testable import Tree

/// Where a test keeps the nodes that a checkpoint wrote.
final class MemoryNodes: NodeSource {
  private let images = Mutex<[NodeReference: [UInt8]]>([:])
  private let reads = Atomic(0)

  var readCount: Int { reads.load(ordering: .relaxed) }

  func write(_ reference: NodeReference, _ image: [UInt8]) { images.withLock { $0[reference] = image } }

  func readNode(
    _ reference: NodeReference, into page: UnsafeMutableRawBufferPointer, mayBlock: Bool
  ) throws(TreeError) -> Int {
    reads.add(1, ordering: .relaxed)
    guard let image = images.withLock({ $0[reference] }) else { throw .damaged("node \(reference) was never written") }
    page.copyBytes(from: image)
    return image.count
  }
}

/// A pool with trees, as a store keeps them.
struct Forest {
  let nodes = MemoryNodes()
  let pool: NodePool
  var trees: [Tree] = []
  private var nextEpoch: UInt64 = 1

  init(cleanCapacity: Int = 64) { pool = NodePool(nodes, generation: 1, cleanCapacity: cleanCapacity) }

  mutating func makeEpoch() -> UInt64 {
    nextEpoch += 1
    return nextEpoch
  }

  mutating func fork(_ index: Int) {
    trees[index].epoch = makeEpoch()
    trees.append(Tree(root: trees[index].root, epoch: makeEpoch()))
  }

  /// Writes every reachable node of the present generation, as a checkpoint does.
  mutating func checkpoint() throws {
    let ended = pool.endGeneration().generation
    for index in trees.indices { trees[index].epoch = makeEpoch() }
    var written: Set<NodeReference> = []
    for tree in trees {
      try pool.walk(tree, enter: { $0.generation == ended && written.insert($0).inserted }) { node in
        nodes.write(node.reference, node.image())
      }
    }
    pool.finishGeneration(ended) { written.contains($0) }
  }

  mutating func put(_ key: TreeKey, _ value: [UInt8], _ index: Int) throws {
    try pool.writing { () throws(TreeError) in
      try value.withUnsafeBytesTyped { (bytes) throws(TreeError) in try pool.put(key, bytes, in: &trees[index]) }
    }
  }

  mutating func remove(_ first: TreeKey, _ last: TreeKey, _ index: Int) throws {
    try pool.writing { () throws(TreeError) in try pool.removeRange(from: first, through: last, in: &trees[index]) }
  }

  func entries(_ index: Int, from first: TreeKey = .first, through last: TreeKey = .last) throws -> [TreeKey: [UInt8]] {
    try pool.reading { () throws(TreeError) in
      var found: [TreeKey: [UInt8]] = [:]
      try pool.scan(from: first, through: last, in: trees[index]) { key, value in
        found[key] = [UInt8](value)
        return true
      }
      return found
    }
  }
}
