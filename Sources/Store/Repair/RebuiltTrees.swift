import Ledger
import SystemIO
import Tree

extension Store {
  /// Opens a store from the newest checkpoint or, where nodes of that cannot be read, from the one with which the least
  /// is missing: an older one that is still there, or the beginning of the ledger, which takes longest and comes last.
  /// Everything behind is replayed, and must lead to the same forks and snapshots.
  ///
  /// Which one that is, is found out in memory; only the one that is taken is recovered on the disk. Index segments of newer checkpoints stay until a
  /// collection: up to the checkpoint that follows, the newest manifest refers to them.
  ///
  /// - Returns: what was rebuilt, for a person; nil where nothing was.
  static func openRebuilding(
    _ storage: any Storage, _ options: StoreOptions
  ) throws(StoreError) -> (RecoveredStore, repairs: [String]) {
    let newest = RebuiltTrees(trying: nil, storage, options)
    guard !newest.nodes.isWhole else { return try open(storage, options, from: nil, []) }
    var best: (trees: RebuiltTrees, base: Manifest)?
    for base in try Array(ManifestFiles(storage: storage).valid().dropFirst()) + [.initial] {
      let trees = RebuiltTrees(trying: base, storage, options)
      guard trees.nodes.areBetter(than: (best?.trees ?? newest).nodes), trees.agrees(with: newest) else { continue }
      best = (trees, base)
      if trees.nodes.isWhole { break }
    }
    guard let best else { return try open(storage, options, from: nil, []) }
    let start = best.base.position == .start ? "its beginning" : "LSN \(best.base.position.nextLSN)"
    let what = best.trees.nodes.gain(over: newest.nodes)
    return try open(
      storage, options, from: best.base, ["the index: \(what), by replaying the ledger from \(start) on"])
  }

  private static func open(
    _ storage: any Storage, _ options: StoreOptions, from base: Manifest?, _ repairs: [String]
  ) throws(StoreError) -> (RecoveredStore, repairs: [String]) {
    let recovered = try RecoveredStore(storage, options, from: base, keepingDamagedBlocks: true)
    return (recovered, repairs + recovered.report.damaged.map { "\($0); the rest of it counts" })
  }
}

/// What replaying from a checkpoint would give.
private struct RebuiltTrees {
  private struct Summary: Equatable {
    let name: String
    let lastLSN: UInt64
    let inodes: UInt64
    let pages: UInt64
  }

  let nodes: NodeCount
  private let heads: [UInt64: Summary]

  init(trying base: Manifest?, _ storage: any Storage, _ options: StoreOptions) {
    do throws(StoreError) {
      let recovered = try RecoveredStore(OverlayStorage(storage), options, from: base, keepingDamagedBlocks: true)
      nodes = recovered.countNodes()
      heads = recovered.catalog.byID.mapValues { head in
        Summary(
          name: recovered.catalog.fullName(head), lastLSN: head.lastLSN, inodes: head.inodes, pages: head.pages)
      }
    } catch {
      // Why, is told by the one that is opened in the end.
      nodes = .unknown
      heads = [:]
    }
  }

  /// Whether it has the same forks and snapshots, at the same LSN, as far as the other one has any.
  func agrees(with other: RebuiltTrees) -> Bool { other.nodes == .unknown || heads == other.heads }
}

extension RecoveredStore {
  fileprivate func countNodes() -> NodeCount {
    var seen: Set<NodeReference> = []
    var count = NodeCount()
    for tree in [catalogTree] + catalog.heads.map(\.tree) + catalog.forkPoints.map(\.tree) {
      pool.walk(
        tree, enter: { seen.insert($0).inserted }, unreadable: { _ in count.unreadable += 1 },
        visit: { _ in count.readable += 1 })
    }
    return count
  }
}
