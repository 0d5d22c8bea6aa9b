public import Ledger
import Synchronization
public import SystemIO
import Tree

/// How a store runs. The defaults fit a server; tests make things small.
public struct StoreOptions: Sendable {
  public var ledger = LedgerOptions()
  /// Clean tree nodes of 4 KiB that are kept in memory.
  public var cleanNodes = 64 << 10
  /// A checkpoint is taken when this many bytes were appended since the last one…
  public var checkpointBytes: UInt64 = 1 << 30
  /// …or when this many tree nodes wait to be written.
  public var checkpointNodes = 32 << 10
  /// How many bytes of the disk are kept for what frees space on a full one.
  public var reservedBytes: UInt64 = 8 << 20
  /// Whether a thread takes checkpoints by itself.
  public var checkpointsInBackground = true
  /// Whether all forks are as read-only as snapshots.
  public var forksAreReadOnly = false
  /// Told the last LSN that recovery found, before anything is appended.
  public var onRecovery: (@Sendable (UInt64) -> Void)?
  /// Told the LSN of each record, one after the other, when it has been appended.
  public var onAppend: (@Sendable (UInt64) -> Void)? {
    get { ledger.onAppend }
    set { ledger.onAppend = newValue }
  }
  /// Told once when the ledger stops: from here on nothing is acknowledged until the store is opened anew.
  public var onStop: (@Sendable (Errno) -> Void)? {
    get { ledger.onStop }
    set { ledger.onStop = newValue }
  }
  /// Told when the checkpoints of that thread begin to fail, with the reason, and when they succeed again, with nil.
  public var onCheckpointFailure: (@Sendable (StoreError?) -> Void)?

  public init() {}
}

// The locks, in the order in which they are taken:
//
//   maintenance          one checkpoint or collection at a time
//   gate                 held for reading by every change, from its first look for duplicates until it is applied; for writing by a checkpoint for the
//                        moment in which it freezes the trees, so that the ledger's position and all trees tell of the same LSN
//   HeadState.mutation   changes of one fork come one after the other
//   catalog              names; never held while the disk is waited for, but for the append of a record
//   ledger, then pool    inside themselves

/// A copy-on-write store of forks: the catalog, the trees and the ledger behind them.
///
/// Every change takes one way: look, append a record to the ledger, apply it to the tree. Recovery applies the same records in the
/// same way, so the trees are an index of the ledger that can be rebuilt from any checkpoint.
public final class Store: Sendable {
  let storage: any Storage
  let options: StoreOptions
  let ledger: Ledger
  let pool: NodePool
  let nodes: SegmentSet
  let names: NameHash
  let manifests: ManifestFiles
  /// Held until the store is closed.
  let lock: Mutex<(any AnyObject & Sendable)?>

  let gate = ReadWriteLock()
  let catalog: Mutex<Catalog>
  let nextInode: Atomic<UInt64>
  let nextEpoch: Atomic<UInt64>
  let maintenance: Mutex<Maintenance>
  let pins = Mutex<[UInt64: Tree]>([:])
  let checkpointer: Checkpointer
  let reserve: Reserve
  let fullDisk = FullDisk()

  /// What the start of the store found in the ledger.
  public let recovery: RecoveryReport

  /// The state that checkpoints hand on to each other.
  struct Maintenance {
    var catalogTree: Tree
    /// Of the manifest that counts.
    var manifestNumber: UInt32
    /// No manifest has a higher number, and no attempt to write one had.
    var highestManifest: UInt32
    /// Generations that ended, and whose nodes are not written yet: more than one only where a checkpoint failed.
    var unwritten: [EndedGeneration] = []
    /// The position that the last checkpoint published.
    var published: LedgerPosition
  }

  init(
    storage: any Storage, options: StoreOptions, lock: any AnyObject & Sendable, superblock: Superblock,
    recovered: RecoveredStore, reserve: Reserve
  ) {
    self.storage = storage
    self.options = options
    self.lock = Mutex(lock)
    ledger = recovered.ledger
    pool = recovered.pool
    nodes = recovered.nodes
    names = NameHash(seed: superblock.nameSeed)
    manifests = ManifestFiles(storage: storage)
    catalog = Mutex(recovered.catalog)
    nextInode = Atomic(recovered.nextInode)
    nextEpoch = Atomic(recovered.nextEpoch)
    maintenance = Mutex(
      Maintenance(
        catalogTree: recovered.catalogTree, manifestNumber: recovered.newest.number,
        highestManifest: recovered.newest.highest, published: recovered.newest.manifest.position))
    recovery = recovered.report
    checkpointer = Checkpointer()
    self.reserve = reserve
  }

  /// An epoch that no tree had before.
  func makeEpoch() -> UInt64 { nextEpoch.wrappingAdd(1, ordering: .relaxed).oldValue }

  /// A number for a new inode, which no inode of the store had before.
  public func makeInodeNumber() -> InodeNumber { nextInode.wrappingAdd(1, ordering: .relaxed).oldValue }
}
