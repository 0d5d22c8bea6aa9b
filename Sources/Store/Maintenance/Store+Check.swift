import Ledger
import Synchronization
import SystemIO
import Tree

extension Store {
  /// Verifies everything reachable: each node and block against its digest, the order and depth of each tree, each
  /// directory entry against its inode and back, link counts, extents against sizes, the chain of the ledger's records,
  /// the segments that hold them, and the manifests. It goes on behind what is damaged.
  ///
  /// - Parameter progress: told from time to time; returns false to give up.
  public func check(progress: (CheckProgress) -> Bool = { _ in true }) throws(StoreError) -> CheckReport {
    try examine(progress: progress).report
  }

  /// The same, with the places of what is damaged.
  func examine(progress: (CheckProgress) -> Bool) throws(StoreError) -> StoreCheck {
    let catalog = catalog.withLock { $0 }
    var check = StoreCheck(store: self, catalog: catalog)
    for head in catalog.heads {
      guard check.run(head, progress) else {
        throw StoreError(.canceled, "the check was canceled")
      }
    }
    for head in catalog.heads { check.runForkPoint(of: head) }
    check.runCheckpoints()
    check.runLedger()
    if let failure = checkpointFailure {
      check.report.problems.append(CheckProblem(message: "no checkpoint: \(failure.message)"))
    }
    return check
  }
}

/// The work of one check. What was verified for one fork is not verified again for another that shares it.
struct StoreCheck {
  let store: Store
  let catalog: Catalog
  var report = CheckReport()
  private var nodes: Set<NodeReference> = []
  /// The blocks of each segment that were read.
  private var blocks: [UInt32: LiveSlots] = [:]
  /// Those among them that are damaged: they affect every head that uses them.
  private(set) var damagedBlocks: [BlockReference: String] = [:]

  init(store: Store, catalog: Catalog) {
    self.store = store
    self.catalog = catalog
  }

  /// Returns false where it was given up.
  mutating func run(_ head: HeadState, _ progress: (CheckProgress) -> Bool) -> Bool {
    let name = catalog.fullName(head)
    guard let pinned = store.pin(head) else { return true }
    defer { withExtendedLifetime(pinned) {} }
    report.heads += 1
    var census = Census()
    var pages = DamagedPages()
    var unreadable: [UnreadableNode] = []
    var entries: [CheckProblem] = []
    var goesOn = progress(CheckProgress(head: name, blocks: report.blocks))
    store.pool.walk(
      pinned.tree, enter: { _ in goesOn },
      unreadable: { node in unreadable.append(node) },
      visit: { node in
        if nodes.insert(node.reference).inserted { report.nodes += 1 }
        guard node.isLeaf else { return }
        for index in 0..<node.count {
          do throws(DecodingFailure) {
            try census.add(node.key(index), node.value(index))
            try verifyBlocks(node.key(index), node.value(index), &pages)
          } catch {
            entries.append(Self.problem(name, node.key(index), error))
          }
        }
        goesOn = progress(CheckProgress(head: name, blocks: report.blocks))
      })
    guard goesOn else { return false }
    report.inodes += census.inodes.count
    let contradictions = unreadable.isEmpty ? census.problems : []
    guard !(entries.isEmpty && pages.isEmpty && unreadable.isEmpty && contradictions.isEmpty) else { return true }
    let names = census.names
    report.problems += entries + pages.problems(name, census, names)
    report.problems += unreadable.map { $0.problem(name, names) }
    report.problems += contradictions.map {
      CheckProblem(head: name, paths: names.paths(of: $0.inode), message: $0.message)
    }
    return true
  }

  /// What a fork began with, as far as nothing that was looked at shares it: its nodes and blocks. Names and links were
  /// checked in whatever it was taken from.
  mutating func runForkPoint(of head: HeadState) {
    guard let pinned = store.pinForkPoint(of: head) else { return }
    defer { withExtendedLifetime(pinned) {} }
    let name = catalog.fullName(head)
    var census = Census()
    var pages = DamagedPages()
    var found: [CheckProblem] = []
    var unreadable: [UnreadableNode] = []
    let known = nodes
    store.pool.walk(
      pinned.tree, enter: { !known.contains($0) },
      unreadable: { node in unreadable.append(node) },
      visit: { node in
        if nodes.insert(node.reference).inserted { report.nodes += 1 }
        guard node.isLeaf else { return }
        for index in 0..<node.count {
          do throws(DecodingFailure) {
            try census.add(node.key(index), node.value(index))
            try verifyBlocks(node.key(index), node.value(index), &pages)
          } catch {
            found.append(Self.problem(name, node.key(index), error))
          }
        }
      })
    let names = census.names
    found += pages.problems(name, census, names) + unreadable.map { $0.problem(name, names) }
    for var problem in found {
      problem.message = "in the state that it was forked from: " + problem.message
      report.problems.append(problem)
    }
  }

  private mutating func verifyBlocks(
    _ key: TreeKey, _ value: UnsafeRawBufferPointer, _ pages: inout DamagedPages
  ) throws(DecodingFailure) {
    guard key.kind == .extent else { return }
    let extent = try ExtentItem(decoding: value)
    // Otherwise a damaged count alone would name millions of pages.
    if let damage = damage(of: extent) {
      pages.add(key.object, key.sub...key.sub + UInt64(extent.count) - 1, damage)
      return
    }
    for index in 0..<Int(extent.count) {
      guard let damage = damage(of: extent.first.advanced(by: index)) else { continue }
      let page = key.sub + UInt64(index)
      pages.add(key.object, page...page, damage)
    }
  }
}

// MARK: Places

extension StoreCheck {
  /// What is wrong with an extent as a whole.
  private func damage(of extent: ExtentItem) -> String? {
    do throws(LedgerError) {
      try store.ledger.verifyPlace(of: extent.first, count: extent.count)
      return nil
    } catch {
      return error.place(during: "read block \(extent.first)")
    }
  }

  /// What is wrong with a block; each is read once.
  private mutating func damage(of block: BlockReference) -> String? {
    let slot = Int(block.slot)
    if blocks[block.segment]?.contains(slot) == true { return damagedBlocks[block] }
    blocks[block.segment, default: LiveSlots()].insert(slot..<slot + 1)
    report.blocks += 1
    do throws(LedgerError) { try store.ledger.verify(block) } catch {
      damagedBlocks[block] = error.place(during: "read block \(block)")
    }
    return damagedBlocks[block]
  }

  /// The catalog as it stands in the index, and the manifests. The store in memory needs neither, the next start does.
  mutating func runCheckpoints() {
    store.maintenance.withLock { state in
      store.pool.walk(
        state.catalogTree, enter: { _ in true },
        unreadable: { node in
          report.problems.append(CheckProblem(message: "the catalog: \(node.message)"))
        }, visit: { _ in })
      do throws(StoreError) {
        report.problems += try store.manifests.problems(counting: state.manifestNumber)
      } catch {
        report.problems.append(CheckProblem(message: error.message))
      }
    }
  }

  mutating func runLedger() {
    var found: [String] = []
    do throws(LedgerError) {
      report.records = try store.ledger.verifyRecords { found.append($0) }
    } catch {
      found.append(StoreError(error, during: "read the ledger").message)
    }
    report.problems += found.map { CheckProblem(message: $0) }
  }

  private static func problem(_ head: String, _ key: TreeKey, _ error: DecodingFailure) -> CheckProblem {
    CheckProblem(head: head, inodes: key.object > 0 ? key.object...key.object : nil, message: "entry \(key): \(error)")
  }
}

extension LedgerError {
  /// The place that is damaged, or what went wrong on the way there.
  fileprivate func place(during action: String) -> String {
    if case .damaged(let place) = self { place } else { StoreError(self, during: action).message }
  }
}

extension UnreadableNode {
  fileprivate var message: String {
    if case .damaged(let place) = error { return "node \(reference) is damaged: \(place)" }
    return "node \(reference): " + StoreError(error, during: "read it").message
  }

  /// What stood below it.
  fileprivate func problem(_ head: String, _ names: CensusNames) -> CheckProblem {
    let first = max(1, low?.object ?? 1)
    // The high end is not included itself.
    let last = high.map { $0.item == 0 ? $0.object - 1 : $0.object } ?? .max
    var problem = CheckProblem(head: head, message: message)
    guard last >= first else { return problem }
    problem.inodes = first...last
    problem.paths = names.paths(of: first...last)
    let pageLimit = ExtendedAttributeItem.firstContentPage
    if first == last, let low, low.kind == .extent, low.sub < pageLimit {
      let end = high.flatMap { $0.object == first ? $0.sub : nil } ?? pageLimit
      problem.pages = low.sub...max(low.sub, min(end, pageLimit) - 1)
    }
    return problem
  }
}
