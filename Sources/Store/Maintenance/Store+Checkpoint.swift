import Ledger
import Synchronization
import SystemIO
import Tree

// A checkpoint makes the trees durable, so that recovery starts there and not at the beginning of the ledger.
//
// 1. Freeze, with the gate held for writing, so that no change is between its record and its tree: note the ledger's
//    position, write the changed heads into the catalog's tree, end the generation, and give every changed tree a new
//    epoch. What was dirty is now immutable. This costs what the number of changed heads costs, and no I/O.
// 2. Flush the ledger up to that position.
// 3. Write the nodes of the ended generation that the frozen roots reach into one index segment; flush it and its
//    name. They are clean then.
// 4. Publish a manifest that names the position and the catalog's root.
//
// Where 3 fails (a full disk), the nodes stay dirty, and the next checkpoint writes those of both generations. A
// crash before 4 leaves the old manifest and an index segment that recovery removes (or, where a damaged manifest might
// refer to it, a collection); a crash after it leaves the new one. Changes go on during 2 to 4.

/// A generation of nodes that is over, and how many were born in it.
struct EndedGeneration {
  let number: UInt32
  let births: UInt32
}

/// The state of the store at one LSN: roots that nobody changes any more.
struct FrozenStore {
  var manifest: Manifest
  /// The trees of all heads, fork points and pins, and of the catalog.
  var trees: [Tree]
}

extension Store {
  /// Takes a checkpoint now.
  public func checkpoint() throws(StoreError) {
    try maintenance.withLock { (state) throws(StoreError) in _ = try checkpoint(&state) }
    reserve.restore()
  }

  /// - Returns: what was frozen; all of it is durable.
  func checkpoint(_ state: inout Maintenance) throws(StoreError) -> FrozenStore {
    let frozen = try freeze(&state)
    do throws(LedgerError) {
      try ledger.flushAndSeal(before: frozen.manifest.position.segment)
      if options.ledger.sabotage == .publishesManifestEarly { try publish(frozen.manifest, &state) }
      try writeNodes(reachableFrom: frozen.trees, &state.unwritten)
      try publish(frozen.manifest, &state)
      state.published = frozen.manifest.position
    } catch {
      throw StoreError(error, during: "take a checkpoint")
    }
    return frozen
  }

  private func publish(_ manifest: Manifest, _ state: inout Maintenance) throws(LedgerError) {
    state.highestManifest += 1
    let (number, previous) = (state.highestManifest, state.manifestNumber)
    try onDisk { () throws(Errno) in try manifests.publish(manifest, number: number, behind: previous) }
    state.manifestNumber = number
  }

  private func freeze(_ state: inout Maintenance) throws(StoreError) -> FrozenStore {
    do throws(TreeError) {
      return try gate.withWriting { () throws(TreeError) in
        try catalog.withLock { (catalog) throws(TreeError) in
          try updateCatalogTree(&state.catalogTree, catalog)
          let (generation, births) = pool.endGeneration()
          state.unwritten.append(EndedGeneration(number: generation, births: births))
          let trees =
            catalog.byID.values.map(\.tree) + catalog.forkPoints.map(\.tree) + pins.withLock { Array($0.values) }
            + [state.catalogTree]
          let manifest = Manifest(
            position: ledger.position, nextSegment: ledger.nextSegment, nextGeneration: generation + 1,
            nextEpoch: nextEpoch.load(ordering: .relaxed), nextInode: nextInode.load(ordering: .relaxed),
            catalogRoot: state.catalogTree.root, time: Clock.now())
          giveNewEpochs(catalog)
          state.catalogTree.epoch = makeEpoch()
          catalog.forgetDropped()
          return FrozenStore(manifest: manifest, trees: trees)
        }
      }
    } catch {
      throw StoreError(error, during: "take a checkpoint")
    }
  }

  private func updateCatalogTree(_ tree: inout Tree, _ catalog: Catalog) throws(TreeError) {
    try pool.writing { () throws(TreeError) in
      for id in catalog.dropped { try pool.remove(HeadState.key(id), in: &tree) }
      for head in catalog.byID.values.sorted(by: { $0.id < $1.id }) where head.isDirty {
        try head.encoded().withUnsafeBytesTyped { (bytes) throws(TreeError) in
          try pool.put(HeadState.key(head.id), bytes, in: &tree)
        }
      }
    }
  }

  private func giveNewEpochs(_ catalog: Catalog) {
    pool.changingRoots {
      for head in catalog.byID.values where head.isDirty {
        head.tree.epoch = makeEpoch()
        head.isDirty = false
      }
    }
  }

  /// Writes the nodes of the ended generations that are still reachable, an index segment for each generation. The
  /// others are dead.
  private func writeNodes(
    reachableFrom trees: [Tree], _ unwritten: inout [EndedGeneration]
  ) throws(LedgerError) {
    guard let oldest = unwritten.first, let newest = unwritten.last else { return }
    var written: Set<NodeReference> = []
    for generation in unwritten where generation.births > 0 {
      try nodes.removeIfPresent(generation.number)
      // On a full disk what an attempt left would be in its own way.
      var isWhole = false
      defer { if !isWhole { _ = try? nodes.removeIfPresent(generation.number) } }
      var writer = try IndexWriter(nodes, number: generation.number, slots: generation.births)
      // A node refers only to older ones, so below one that is written already there is nothing to write.
      var seen: Set<NodeReference> = []
      for tree in trees {
        try write(tree, generation.number, to: &writer) { $0.generation >= oldest.number && seen.insert($0).inserted }
      }
      try writer.finish()
      isWhole = true
      written.formUnion(seen)
    }
    pool.finishGeneration(newest.number) { written.contains($0) }
    unwritten = []
  }

  private func write(
    _ tree: Tree, _ generation: UInt32, to writer: inout IndexWriter, enter: (NodeReference) -> Bool
  ) throws(LedgerError) {
    do throws(TreeError) {
      try pool.walk(tree, enter: enter) { (node) throws(TreeError) in
        guard node.reference.generation == generation else { return }
        do throws(LedgerError) { try writer.add(node.image(), at: node.reference.slot) } catch {
          throw TreeError(error)
        }
      }
    } catch {
      throw LedgerError(error)
    }
  }
}

extension TreeError {
  init(_ error: LedgerError) {
    switch error {
    case .storage(let errno), .stopped(let errno): self = .storage(errno)
    case .damaged(let place): self = .damaged(place)
    case .wouldBlock: self = .wouldBlock
    case .newerFormat: self = .damaged("\(error)")
    }
  }
}

extension LedgerError {
  init(_ error: TreeError) {
    switch error {
    case .storage(let errno): self = .storage(errno)
    case .damaged(let place): self = .damaged(place)
    case .wouldBlock: self = .wouldBlock
    case .notResident(let node): self = .damaged("node \(node) is not in memory")
    }
  }
}
