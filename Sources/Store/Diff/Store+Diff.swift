import Ledger
import Synchronization
import SystemIO
import Tree

// A diff walks both trees side by side and skips what they share, so its cost follows the changes. The changed entries are gathered by inode. An inode has
// one number for ever, so a rename is exact: the same inode lost one name and gained another.

extension Store {
  /// What differs between two states, in the order of the paths. Content that is the same in the end is not reported, however it came
  /// about. Directories are reported when they come, go, move or change their attributes, not because of what changed in them.
  public func diff(_ old: Reference, _ new: Reference) throws(StoreError) -> [Change] {
    let before = try pin(old)
    let after = try pin(new)
    defer { withExtendedLifetime((before, after)) {} }
    do throws(TreeError) {
      var comparison = StateComparison(self, before.tree, after.tree)
      var changes: [Change] = []
      for difference in try differences(before.tree, after.tree) { changes += try comparison.changes(difference) }
      return changes.sorted { $0.path.lexicographicallyPrecedes($1.path) }
    } catch {
      throw StoreError(error, during: "compare \(old) with \(new)")
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
      for difference in try differences(before.tree, after.tree) where !difference.newExtents.isEmpty {
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

  private func differences(_ old: Tree, _ new: Tree) throws(TreeError) -> [InodeDifference] {
    var found: [InodeDifference] = []
    var failure: TreeError?
    try pool.difference(from: old, to: new) { change in
      // Object 0 holds the notes about inodes without names.
      guard change.key.object != 0 else { return true }
      if found.last?.inode != change.key.object { found.append(InodeDifference(change.key.object)) }
      do throws(TreeError) { try found[found.count - 1].add(change) } catch {
        failure = error
        return false
      }
      return true
    }
    if let failure { throw failure }
    return found
  }
}

/// Turns differences of inodes into changes of paths.
private struct StateComparison {
  private let pages: PageComparison
  private var old: PathFinder
  private var new: PathFinder

  init(_ store: Store, _ old: Tree, _ new: Tree) {
    pages = PageComparison(ledger: store.ledger)
    self.old = PathFinder(store.pool, old)
    self.new = PathFinder(store.pool, new)
  }

  mutating func changes(_ difference: InodeDifference) throws(TreeError) -> [Change] {
    var difference = difference
    if !difference.itemChanged {
      difference.oldItem = try old.inode(difference.inode)
      difference.newItem = difference.oldItem
    }
    let oldItem = difference.oldItem.flatMap { $0.links > 0 ? $0 : nil }
    let newItem = difference.newItem.flatMap { $0.links > 0 ? $0 : nil }
    switch (oldItem, newItem) {
    case (nil, nil): return []
    case (nil, let item?):
      let pages = try content(difference)
      var found: [Change] = []
      for name in try new.names(of: difference.inode) {
        if let added = change(.added, try new.path(of: name), nil, item, pages) { found.append(added) }
      }
      return found
    case (let item?, nil):
      var found: [Change] = []
      for name in try old.names(of: difference.inode) {
        if let removed = change(.removed, try old.path(of: name), item, nil, []) { found.append(removed) }
      }
      return found
    case (let before?, let after?): return try changes(difference, before, after)
    }
  }

  /// Of an inode that both states have.
  private mutating func changes(
    _ difference: InodeDifference, _ before: InodeItem, _ after: InodeItem
  ) throws(TreeError) -> [Change] {
    var found: [Change] = []
    let pages = try content(difference)
    let attributes = difference.changedAttributes
    let isModified = !pages.isEmpty || !attributes.isEmpty || difference.targetChanged
    let renames = zip(difference.lostNames, difference.gainedNames)
    for (lost, gained) in renames {
      guard let path = try new.path(of: gained), let oldPath = try old.path(of: lost) else { continue }
      var renamed = Change(before, after, .renamed, path, pages, attributes)
      renamed.oldPath = oldPath
      found.append(renamed)
    }
    for name in difference.lostNames.dropFirst(difference.gainedNames.count) {
      if let removed = change(.removed, try old.path(of: name), before, nil, []) { found.append(removed) }
    }
    for name in difference.gainedNames.dropFirst(difference.lostNames.count) {
      if let added = change(.added, try new.path(of: name), nil, after, []) { found.append(added) }
    }
    if isModified, found.allSatisfy({ $0.kind != .renamed }), let path = try new.path(of: difference.inode) {
      found.append(Change(before, after, .modified, path, pages, attributes))
    }
    return found
  }

  private func content(_ difference: InodeDifference) throws(TreeError) -> [Range<UInt64>] {
    do throws(LedgerError) {
      return try pages.differingPages(difference.oldExtents, difference.newExtents)
    } catch {
      throw TreeError(error)
    }
  }

  private func change(
    _ kind: Change.Kind, _ path: [UInt8]?, _ before: InodeItem?, _ after: InodeItem?, _ pages: [Range<UInt64>]
  ) -> Change? {
    path.map { Change(before, after, kind, $0, pages, []) }
  }
}

extension Change {
  fileprivate init(
    _ before: InodeItem?, _ after: InodeItem?, _ kind: Kind, _ path: [UInt8], _ pages: [Range<UInt64>],
    _ attributes: [Attribute]
  ) {
    self.init(
      kind: kind, path: path, oldPath: nil, type: (after ?? before)?.type ?? 0, oldSize: before?.size ?? 0,
      newSize: after?.size ?? 0, pages: pages, attributes: attributes)
  }
}
