import Ledger
import Synchronization
import SystemIO
import Tree

/// One thing that is wrong, and what it affects.
public struct CheckProblem: Sendable {
  /// The fork or snapshot; nil where the store itself is concerned.
  public let head: String?
  /// The file or directory, where one is known.
  public let path: [UInt8]?
  public let message: String
}

/// What a check found.
public struct CheckReport: Sendable {
  public var heads = 0
  public var nodes = 0
  public var inodes = 0
  public var blocks = 0
  public var records = 0
  public var problems: [CheckProblem] = []
}

/// How far a check has come.
public struct CheckProgress: Sendable {
  public let head: String
  public let blocks: Int
}

extension Store {
  /// Verifies everything reachable: each node and block against its digest, the order and depth of each tree, each
  /// directory entry against its inode and back, link counts, extents against sizes, and the chain of the ledger's
  /// records.
  ///
  /// - Parameter progress: told from time to time; returns false to give up.
  public func check(progress: (CheckProgress) -> Bool = { _ in true }) throws(StoreError) -> CheckReport {
    let catalog = catalog.withLock { $0 }
    var check = StoreCheck(store: self, catalog: catalog)
    for head in catalog.heads {
      guard check.run(head, progress) else {
        throw StoreError(.canceled, "the check was canceled; it changes nothing")
      }
    }
    check.runLedger()
    if let failure = checkpointFailure {
      check.report.problems.append(CheckProblem(head: nil, path: nil, message: "no checkpoint: \(failure.message)"))
    }
    return check.report
  }
}

/// The work of one check. What was verified for one fork is not verified again for another that shares it.
private struct StoreCheck {
  let store: Store
  let catalog: Catalog
  var report = CheckReport()
  private var nodes: Set<NodeReference> = []
  /// The blocks of each segment that were read.
  private var blocks: [UInt32: LiveSlots] = [:]
  /// Those among them that are damaged: they affect every head that uses them.
  private var damaged: [BlockReference: String] = [:]

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
    var goesOn = progress(CheckProgress(head: name, blocks: report.blocks))
    do throws(TreeError) {
      try store.pool.walk(pinned.tree, enter: { _ in goesOn }) { (node) throws(TreeError) in
        if nodes.insert(node.reference).inserted { report.nodes += 1 }
        guard node.isLeaf else { return }
        for index in 0..<node.count {
          do throws(DecodingFailure) {
            try census.add(node.key(index), node.value(index))
          } catch {
            report.problems.append(CheckProblem(head: name, path: nil, message: "entry \(node.key(index)): \(error)"))
          }
          try verifyBlocks(node.key(index), node.value(index), name, pinned.tree)
        }
        goesOn = progress(CheckProgress(head: name, blocks: report.blocks))
      }
    } catch {
      // What was counted so far is a part, and would not add up.
      report.problems.append(
        CheckProblem(head: name, path: nil, message: StoreError(error, during: "walk the tree").message))
      return true
    }
    guard goesOn else { return false }
    report.inodes += census.inodes.count
    for problem in census.problems {
      report.problems.append(CheckProblem(head: name, path: path(problem.inode, pinned.tree), message: problem.message))
    }
    return true
  }

  private mutating func verifyBlocks(
    _ key: TreeKey, _ value: UnsafeRawBufferPointer, _ head: String, _ tree: Tree
  ) throws(TreeError) {
    guard key.kind == .extent, let extent = try? ExtentItem(decoding: value) else { return }
    // Otherwise a damaged count alone would name millions of pages.
    if let damage = damage(of: extent) {
      let message = "page \(key.sub): \(damage)"
      report.problems.append(CheckProblem(head: head, path: path(key.object, tree), message: message))
      return
    }
    for index in 0..<Int(extent.count) {
      let block = extent.first.advanced(by: index)
      if let damage = damage(of: block) {
        let message = "page \(key.sub + UInt64(index)): \(damage)"
        report.problems.append(CheckProblem(head: head, path: path(key.object, tree), message: message))
      }
    }
  }

  /// What is wrong with an extent as a whole.
  private func damage(of extent: ExtentItem) -> String? {
    do throws(LedgerError) {
      try store.ledger.verifyPlace(of: extent.first, count: extent.count)
      return nil
    } catch {
      return StoreError(error, during: "read block \(extent.first)").message
    }
  }

  /// What is wrong with a block; each is read once.
  private mutating func damage(of block: BlockReference) -> String? {
    let slot = Int(block.slot)
    if blocks[block.segment]?.contains(slot) == true { return damaged[block] }
    blocks[block.segment, default: LiveSlots()].insert(slot..<slot + 1)
    report.blocks += 1
    do throws(LedgerError) {
      try store.ledger.verify(block)
    } catch {
      damaged[block] = StoreError(error, during: "read block \(block)").message
    }
    return damaged[block]
  }

  private func path(_ inode: InodeNumber, _ tree: Tree) -> [UInt8]? {
    var finder = PathFinder(store.pool, tree)
    return (try? finder.path(of: inode)) ?? nil
  }

  mutating func runLedger() {
    do throws(LedgerError) {
      var count = 0
      try store.ledger.scan(from: 1) { _ in
        count += 1
        return true
      }
      report.records = count
    } catch {
      report.problems.append(
        CheckProblem(head: nil, path: nil, message: StoreError(error, during: "read the ledger").message))
    }
  }
}
