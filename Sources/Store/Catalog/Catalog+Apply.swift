import Ledger
import SystemIO
import Tree

/// What a record is about: the head it names, its place in the ledger, its time.
struct RecordSubject {
  /// The head that the record names; a record that makes a head names none, and the head gets the LSN as its number.
  let head: UInt64
  let lsn: UInt64
  let time: UInt64
}

extension Catalog {
  /// Applies a record that changes the catalog: both when it is made and when it is replayed.
  ///
  /// - Parameter makeEpoch: gives an epoch that no tree had before.
  /// - Returns: the head that was made or changed.
  @discardableResult
  mutating func apply(
    _ change: CatalogChange, _ subject: RecordSubject, makeEpoch: () -> UInt64
  ) throws(DecodingFailure) -> HeadState {
    switch change {
    case .createFork(let name, let isIncomplete):
      let head = HeadState(
        id: subject.lsn, kind: .fork, name: name, ownerID: 0, parentID: 0, createdAt: subject.time,
        createdLSN: subject.lsn, lastLSN: subject.lsn, tree: Tree(epoch: makeEpoch()), isIncomplete: isIncomplete)
      add(head)
      return head
    case .fork(let source, let name):
      return try branch(from: source, .fork, name, subject, makeEpoch)
    case .snapshot(let source, let name):
      return try branch(from: source, .snapshot, name, subject, makeEpoch)
    case .drop:
      let head = try existing(subject.head)
      remove(head)
      return head
    case .completeImport:
      let head = try existing(subject.head)
      head.isIncomplete = false
      head.isDirty = true
      return head
    }
  }

  /// Shares the source's root with a new head. Both get an epoch of their own, so neither changes what the other sees.
  private mutating func branch(
    from source: UInt64, _ kind: HeadKind, _ name: String, _ subject: RecordSubject, _ makeEpoch: () -> UInt64
  ) throws(DecodingFailure) -> HeadState {
    let parent = try existing(source)
    parent.tree.epoch = makeEpoch()
    let head = HeadState(
      id: subject.lsn, kind: kind, name: name, ownerID: kind == .snapshot ? source : 0, parentID: source,
      createdAt: subject.time, createdLSN: subject.lsn, lastLSN: parent.lastLSN,
      tree: Tree(root: parent.tree.root, epoch: makeEpoch()))
    head.inodes = parent.inodes
    head.pages = parent.pages
    // A snapshot is what it began with.
    if kind == .fork { head.forkPoint = ForkPoint(origin: source, root: parent.tree.root) }
    add(head)
    return head
  }

  private func existing(_ id: UInt64) throws(DecodingFailure) -> HeadState {
    guard let head = byID[id] else { throw DecodingFailure("it names head \(id), which is not there") }
    return head
  }
}

extension HeadState {
  /// Applies the edits of one record; runs inside `writing`.
  func apply(
    _ mutation: Mutation, lsn: UInt64, firstBlock: BlockReference, _ pool: NodePool
  ) throws(TreeError) {
    for edit in mutation.edits { try pool.apply(edit, to: &tree, firstBlock: firstBlock) }
    inodes = try count(inodes, changedBy: mutation.inodes)
    pages = try count(pages, changedBy: mutation.pages)
    lastLSN = lsn
    isDirty = true
  }

  private func count(_ count: UInt64, changedBy change: Int64) throws(TreeError) -> UInt64 {
    let magnitude = change.magnitude
    let (sum, overflow) =
      change < 0
      ? count.subtractingReportingOverflow(magnitude) : count.addingReportingOverflow(magnitude)
    guard !overflow, sum <= HeadState.highestCount else {
      throw .damaged("fork \(id) cannot count \(change) more inodes or pages than \(count)")
    }
    return sum
  }
}
