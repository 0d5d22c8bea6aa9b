import Ledger
import SystemIO
import Tree

// Recovery: the newest valid manifest gives the catalog and the trees of a checkpoint; then every record behind it is applied, in the order of the
// ledger, by the same code that applied it first. Nodes that this makes are dirty, and belong to a generation that was never written.
//
// Where newer manifests are damaged, a repair may bring one back (ManifestFiles). So what only that one may refer to is
// not removed, and its generations are not given to other nodes.

/// What is on the disk, brought into memory.
struct RecoveredStore {
  let ledger: Ledger
  let pool: NodePool
  let nodes: SegmentSet
  let report: RecoveryReport
  let catalog: Catalog
  let catalogTree: Tree
  let nextInode: UInt64
  let nextEpoch: UInt64
  let newest: NewestManifest

  /// - Parameters:
  ///   - base: the checkpoint whose trees to begin with, where it is not the newest: what was changed since is read from the ledger. The newest one
  ///     still tells what is durable, and which numbers were used.
  ///   - keepingDamagedBlocks: whether records behind the checkpoint count where only their blocks are damaged.
  init(
    _ storage: any Storage, _ options: StoreOptions, from base: Manifest? = nil, keepingDamagedBlocks: Bool = false
  ) throws(StoreError) {
    newest = try ManifestFiles(storage: storage).newest()
    let manifest = newest.manifest
    let base = base ?? manifest
    nodes = SegmentSet(storage, directory: "index")
    let unpublished = try Self.unpublished(nodes, manifest)
    let generation = try Self.firstGeneration(newest, unpublished)
    pool = NodePool(NodeSegments(nodes), generation: generation, cleanCapacity: options.cleanNodes)

    let loaded = try Self.loadCatalog(base, pool)
    catalogTree = Tree(root: base.catalogRoot, epoch: manifest.nextEpoch)
    var replay = Replay(
      pool: pool, catalog: loaded, nextInode: manifest.nextInode, nextEpoch: manifest.nextEpoch + 1)
    do throws(LedgerError) {
      (ledger, report) = try Ledger.open(
        storage, options.ledger, from: base.position, proven: manifest.position, nextSegment: manifest.nextSegment,
        keepingDamagedBlocks: keepingDamagedBlocks
      ) { (record) throws(LedgerError) in try replay.apply(record) }
    } catch {
      throw StoreError(error, during: "recover the store")
    }
    if newest.damaged == 0 { try Self.remove(unpublished, nodes) }
    catalog = replay.catalog
    nextInode = replay.nextInode
    nextEpoch = replay.nextEpoch
  }

  /// Index segments that no checkpoint published, as far as the manifest that counts knows: begun before a crash, or
  /// published by a manifest that is damaged now. In rising order.
  private static func unpublished(_ nodes: SegmentSet, _ manifest: Manifest) throws(StoreError) -> [UInt32] {
    do throws(LedgerError) {
      return try nodes.numbers().filter { $0 >= manifest.nextGeneration }
    } catch {
      throw StoreError(error, during: "recover the index")
    }
  }

  /// A generation that no node was born in, nor any that a damaged manifest leads to: each of those ended one at least,
  /// and wrote a segment for each that has nodes.
  private static func firstGeneration(
    _ newest: NewestManifest, _ unpublished: [UInt32]
  ) throws(StoreError) -> UInt32 {
    let generation = max(Int(unpublished.last ?? 0) + 1, Int(newest.manifest.nextGeneration) + newest.damaged)
    guard generation < Int(Manifest.highestSegment) else {
      throw StoreError(damage: "there is no number left for index segments")
    }
    return UInt32(generation)
  }

  /// Only now that the ledger was found to be whole: a store that is refused is left as it is.
  private static func remove(_ unpublished: [UInt32], _ nodes: SegmentSet) throws(StoreError) {
    do throws(LedgerError) {
      for number in unpublished { try nodes.remove(number) }
    } catch {
      throw StoreError(error, during: "recover the index")
    }
  }

  private static func loadCatalog(_ manifest: Manifest, _ pool: NodePool) throws(StoreError) -> Catalog {
    var entries: [(TreeKey, [UInt8])] = []
    let tree = Tree(root: manifest.catalogRoot, epoch: 0)
    do throws(TreeError) {
      try pool.reading { () throws(TreeError) in
        entries = []
        try pool.scan(from: .first, through: .last, in: tree) { key, value in
          entries.append((key, [UInt8](value)))
          return true
        }
      }
      var catalog = Catalog()
      for (key, value) in entries {
        let head = try value.withUnsafeBytesTyped { (bytes) throws(TreeError) in
          // Epoch 0 owns no node: the first change of each fork gives it one of its own.
          try decoding(key) { () throws(DecodingFailure) in try HeadState(id: key.object, epoch: 0, decoding: bytes) }
        }
        let roots = [head.tree.root] + (head.forkPoint.map { [$0.root] } ?? [])
        guard roots.allSatisfy({ $0.generation < manifest.nextGeneration }) else {
          throw .damaged("head \(head.id) has a root that no checkpoint wrote")
        }
        catalog.add(head)
      }
      return catalog
    } catch {
      throw StoreError(error, during: "read the catalog")
    }
  }
}

/// Nodes come from the segments of the index.
final class NodeSegments: NodeSource {
  private let segments: SegmentSet

  init(_ segments: SegmentSet) { self.segments = segments }

  func readNode(
    _ reference: NodeReference, into page: UnsafeMutableRawBufferPointer, mayBlock: Bool
  ) throws(TreeError) -> Int {
    do throws(LedgerError) {
      return try segments.readSlot(BlockReference(packed: reference.packed), into: page, mayBlock: mayBlock)
    } catch {
      switch error {
      case .wouldBlock: throw .wouldBlock
      case .storage(let errno), .stopped(let errno): throw .storage(errno)
      case .damaged(let place): throw .damaged(place)
      case .newerFormat: throw .damaged("node \(reference): \(error)")
      }
    }
  }
}

/// Applies records to a catalog and its trees while the store starts.
struct Replay {
  let pool: NodePool
  var catalog: Catalog
  var nextInode: UInt64
  var nextEpoch: UInt64

  mutating func apply(_ record: Record) throws(LedgerError) {
    do throws(DecodingFailure) {
      guard let kind = RecordKind(rawValue: record.header.kind) else {
        throw DecodingFailure("its kind \(record.header.kind) is unknown")
      }
      if kind.changesCatalog {
        try applyToCatalog(try CatalogChange(kind, decoding: record.body), record.header)
      } else {
        try applyToFork(try Mutation(decoding: record.body), record)
      }
    } catch {
      throw .damaged("record \(record.header.lsn): \(error)")
    }
  }

  private mutating func applyToCatalog(_ change: CatalogChange, _ header: RecordHeader) throws(DecodingFailure) {
    var epoch = nextEpoch
    try catalog.apply(change, header.subject) {
      defer { epoch += 1 }
      return epoch
    }
    nextEpoch = epoch
  }

  private mutating func applyToFork(_ mutation: Mutation, _ record: Record) throws(DecodingFailure) {
    guard let head = catalog.byID[record.header.head], head.kind == .fork else {
      throw DecodingFailure("it changes fork \(record.header.head), which is not there")
    }
    if head.tree.epoch == 0 {
      head.tree.epoch = nextEpoch
      nextEpoch += 1
    }
    for case .put(let key, _) in mutation.edits where key.kind == .inode {
      guard key.object < Manifest.highestNumber else { throw DecodingFailure("it makes inode \(key.object)") }
      nextInode = max(nextInode, key.object + 1)
    }
    do throws(TreeError) {
      try pool.writing { () throws(TreeError) in
        try head.apply(mutation, lsn: record.header.lsn, firstBlock: record.firstBlock, pool)
      }
    } catch {
      throw DecodingFailure("its fork: \(error)")
    }
  }
}

extension RecordHeader {
  var subject: RecordSubject { RecordSubject(head: head, lsn: lsn, time: time) }
}
