import SystemIO
import TestSupport
import Testing

@testable import Tree

/// The tree against dictionaries: random puts, removals, forks and checkpoints on several trees that share nodes.
@Suite struct TreeModelTests {
  @Test(arguments: [UInt64](1...12))
  func behavesLikeDictionaries(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    var forest = Forest()
    forest.trees = [Tree(epoch: forest.makeEpoch())]
    var models: [[TreeKey: [UInt8]]] = [[:]]
    let keySpace = seed % 3 == 0 ? 200 : 5000 as UInt64
    for step in 0..<6000 {
      let index = Int.random(in: 0..<models.count, using: &random)
      let key = TreeKey(.random(in: 0..<4, using: &random), .random(in: 0..<keySpace, using: &random))
      switch Int.random(in: 0..<100, using: &random) {
      case 0..<70:
        let value = random.bytes(random.oneIn(10) ? .random(in: 0...800, using: &random) : 12)
        try forest.put(key, value, index)
        models[index][key] = value
      case 70..<95:
        try forest.remove(key, key, index)
        models[index][key] = nil
      case 95..<97:
        let last = TreeKey(key.object, key.item + .random(in: 0..<keySpace / 4, using: &random))
        try forest.remove(key, last, index)
        models[index] = models[index].filter { $0.key < key || $0.key > last }
      case 97 where models.count < 6:
        forest.fork(index)
        models.append(models[index])
      case 98 where random.oneIn(4): try forest.checkpoint()
      default:
        let found = try forest.pool.reading { () throws(TreeError) in
          try forest.pool.floor(key, in: forest.trees[index]).map { ($0.key, [UInt8]($0.value)) }
        }
        let expected = models[index].keys.filter { $0 <= key }.max()
        #expect(found?.0 == expected, "seed \(seed), step \(step)")
        #expect(found?.1 == expected.flatMap { models[index][$0] })
      }
    }
    for index in models.indices {
      #expect(try forest.entries(index) == models[index], "seed \(seed), tree \(index)")
      try forest.pool.walk(forest.trees[index], enter: { _ in true }, visit: { _ in })
    }
    try verifyDifferences(forest, models, seed)
  }

  private func verifyDifferences(_ forest: Forest, _ models: [[TreeKey: [UInt8]]], _ seed: UInt64) throws {
    for old in models.indices {
      for new in models.indices {
        var changes: [TreeKey: (old: [UInt8]?, new: [UInt8]?)] = [:]
        var last: TreeKey?
        try forest.pool.difference(from: forest.trees[old], to: forest.trees[new]) { change in
          #expect(last.map { $0 < change.key } ?? true, "seed \(seed): the changes are in order")
          last = change.key
          changes[change.key] = (change.old, change.new)
          return true
        }
        let expected = Set(models[old].keys).union(models[new].keys).filter { models[old][$0] != models[new][$0] }
        #expect(Set(changes.keys) == expected, "seed \(seed): \(old) to \(new)")
        for (key, change) in changes {
          #expect(change.old == models[old][key])
          #expect(change.new == models[new][key])
        }
      }
    }
  }

  @Test func readsBackAfterCheckpointsWithASmallPool() throws {
    var forest = Forest(cleanCapacity: 64)
    forest.trees = [Tree(epoch: forest.makeEpoch())]
    for key in 0..<50_000 as Range<UInt64> {
      try forest.put(TreeKey(key, 1), [UInt8](repeating: UInt8(key % 251), count: 40), 0)
      if key % 10_000 == 9_999 { try forest.checkpoint() }
    }
    #expect(forest.pool.dirtyCount == 0)
    let all = try forest.entries(0)
    #expect(all.count == 50_000)
    #expect(all.allSatisfy { $0.value == [UInt8](repeating: UInt8($0.key.object % 251), count: 40) })
    #expect(forest.nodes.readCount > 100, "most nodes had been pushed out")
  }

  /// The new root told the least key that was there before, and a walk took the tree for damaged.
  @Test func aRootGrowsForTheLeastKeyOfAll() throws {
    for count in 1..<200 as Range<UInt64> {
      var forest = Forest()
      forest.trees = [Tree(epoch: forest.makeEpoch())]
      for key in 1...count { try forest.put(TreeKey(key, 0), [UInt8](repeating: 1, count: 40), 0) }
      try forest.put(TreeKey(0, 0), [UInt8](repeating: 1, count: 40), 0)
      var entries = 0
      try forest.pool.walk(forest.trees[0], enter: { _ in true }) { node in
        if node.isLeaf { entries += node.count }
      }
      #expect(entries == count + 1)
    }
  }

  @Test func aForkSharesEverythingButTheChangedPath() throws {
    var forest = Forest()
    forest.trees = [Tree(epoch: forest.makeEpoch())]
    for key in 0..<20_000 as Range<UInt64> { try forest.put(TreeKey(key, 0), [1, 2, 3, 4], 0) }
    try forest.checkpoint()
    forest.fork(0)
    try forest.put(TreeKey(9_999, 0), [9], 1)
    let depth = try forest.pool.reading { () throws(TreeError) in try forest.pool.node(forest.trees[1].root).level + 1 }
    #expect(forest.pool.dirtyCount == depth)
    let before = forest.nodes.readCount
    var changes = 0
    try forest.pool.difference(from: forest.trees[0], to: forest.trees[1]) { _ in
      changes += 1
      return true
    }
    #expect(changes == 1)
    #expect(forest.nodes.readCount - before <= 3 * depth, "a difference reads what changed, not what is there")
  }

  /// A look-up holds no lock while it waits for a node: by then another root may count, and a collection may have taken the node.
  @Test func aNodeThatIsGoneIsLookedForOnceMore() throws {
    var forest = Forest()
    forest.trees = [Tree(epoch: forest.makeEpoch())]
    try forest.put(TreeKey(1, 1), [5], 0)
    try forest.checkpoint()
    let pool = NodePool(forest.nodes, generation: 9, cleanCapacity: 64)
    let (tree, gone) = (forest.trees[0], Tree(root: NodeReference(generation: 1, slot: 99), epoch: 0))
    var attempts = 0
    let found = try pool.reading { () throws(TreeError) in
      attempts += 1
      return try pool.find(TreeKey(1, 1), in: attempts == 1 ? gone : tree)?.first
    }
    #expect(found == 5)
    #expect(throws: TreeError.self) {
      try pool.reading { () throws(TreeError) in _ = try pool.find(TreeKey(1, 1), in: gone) }
    }
  }
}
