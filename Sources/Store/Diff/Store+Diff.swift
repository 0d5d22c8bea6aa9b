import Ledger
import Synchronization
import SystemIO
import Tree

// A diff walks both trees side by side and skips what they share, so its cost follows the changes (TreeDifference).
// What differs there, by inode, is resolved to paths in both states (PathPairs), and paths are compared
// (FileComparison).

extension Store {
  /// Compares two states. Both stay as they are for as long as the comparison is used.
  public func compare(_ old: Reference, _ new: Reference) throws(StoreError) -> Comparison {
    let before = try pin(old)
    let after = try pin(new)
    return try compare((before, "\(old)"), (after, "\(new)"))
  }

  /// Compares a fork with the state that it began with.
  public func compareWithForkPoint(_ reference: Reference) throws(StoreError) -> Comparison {
    let head = try catalog.withLock { (catalog) throws(StoreError) in try catalog.find(reference) }
    guard let before = pinForkPoint(of: head) else {
      throw StoreError(
        .noSuchName, "nothing is kept of what '\(reference)' began with",
        hint: "that is kept of forks of a fork or snapshot; name two states to compare them")
    }
    return try compare((before, "\(reference) as it was forked"), (pin(reference), "\(reference)"))
  }

  /// Compares a state with the last one that it has in common with another.
  public func compareWithCommonMoment(of other: Reference, _ new: Reference) throws(StoreError) -> Comparison {
    let (one, head, branch) = try catalog.withLock { (catalog) throws(StoreError) in
      let (one, head) = (try catalog.find(other), try catalog.find(new))
      return (one, head, catalog.firstBranch(of: one, head))
    }
    guard let branch else {
      throw StoreError(
        .noSuchName, "nothing is kept that '\(other)' and '\(new)' have in common",
        hint: "each must be forked from the other, or both from what is still there")
    }
    let before =
      switch branch {
      case .same: pin(one)
      case .branch(let branch): branch.kind == .snapshot ? pin(branch) : pinForkPoint(of: branch)
      }
    guard let before, let after = pin(head) else {
      throw StoreError(.noSuchName, "one of '\(other)' and '\(new)' is not there any more")
    }
    return try compare((before, "what \(other) and \(new) had in common"), (after, "\(new)"))
  }

  /// What differs between two states.
  public func diff(_ old: Reference, _ new: Reference) throws(StoreError) -> [Change] {
    var changes: [Change] = []
    try compare(old, new).forEachChange { change in
      changes.append(change)
      return true
    }
    return changes
  }

  private func compare(
    _ old: (tree: PinnedTree, name: String), _ new: (tree: PinnedTree, name: String)
  ) throws(StoreError) -> Comparison {
    do throws(TreeError) {
      return try Comparison(
        self, old: frozenVolume(old.tree, named: old.name), old.tree.tree, new: frozenVolume(new.tree, named: new.name),
        new.tree.tree)
    } catch {
      throw StoreError(error, during: "compare \(old.name) with \(new.name)")
    }
  }

  /// Bytes of content, in whole pages, that a state has and its origin has not.
  public func ownBytes(_ reference: Reference) throws(StoreError) -> UInt64 {
    let (head, parent) = try catalog.withLock { (catalog) throws(StoreError) in
      let head = try catalog.find(reference)
      return (head, catalog.byID[head.parentID])
    }
    let after = try pin(reference)
    guard let before = parent.flatMap({ pin($0) }) else {
      return pool.readingRoots { head.pages } * UInt64(blockSize)
    }
    defer { withExtendedLifetime((before, after)) {} }
    do throws(TreeError) {
      let comparison = PageComparison(ledger: ledger)
      var pages: UInt64 = 0
      try pool.inodeDifferences(from: before.tree, to: after.tree) { (difference) throws(TreeError) in
        guard !difference.newExtents.isEmpty else { return }
        do throws(LedgerError) {
          let changed = try comparison.differingPages(difference.oldExtents, difference.newExtents)
          pages += changed.reduce(0) { $0 + UInt64($1.count) }
        } catch {
          throw TreeError(error)
        }
      }
      return pages * UInt64(blockSize)
    } catch {
      throw StoreError(error, during: "measure \(reference)")
    }
  }
}
