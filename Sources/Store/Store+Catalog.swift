import Ledger
import Synchronization
import SystemIO
import Tree

/// Forks and snapshots: O(1) in the size of the store, in its depth and in the number of its forks.
extension Store {
  /// All forks and snapshots, in the order of their birth.
  public func heads() -> [Head] {
    catalog.withLock { catalog in
      pool.readingRoots { catalog.heads.filter { !$0.isIncomplete }.map { catalog.describe($0) } }
    }
  }

  public func head(_ reference: Reference) throws(StoreError) -> Head {
    try catalog.withLock { (catalog) throws(StoreError) in
      let head = try catalog.find(reference)
      return pool.readingRoots { catalog.describe(head) }
    }
  }

  /// Makes an empty fork, with nothing but a root directory that belongs to nobody yet.
  public func createFork(named name: String) throws(StoreError) -> Head {
    try createFork(named: name, isIncomplete: false)
  }

  /// Makes the fork that an import fills. It has no name for others, and is dropped by recovery, until
  /// `completeImport`.
  public func beginImport(named name: String) throws(StoreError) -> Head {
    try createFork(named: name, isIncomplete: true)
  }

  private func createFork(named name: String, isIncomplete: Bool) throws(StoreError) -> Head {
    let reference = try Reference(fork: name)
    return try changeCatalog("make fork '\(name)'") { (catalog) throws(StoreError) in
      try catalog.requireFree(reference)
      return (.createFork(name: name, isIncomplete: isIncomplete), head: 0)
    }
  }

  public func completeImport(_ id: UInt64) throws(StoreError) -> Head {
    try changeCatalog("complete an import") { (catalog) throws(StoreError) in
      guard catalog.byID[id]?.isIncomplete == true else { throw StoreError(.noSuchName, "there is no import \(id)") }
      return (.completeImport, head: id)
    }
  }

  /// Drops an import that was given up.
  public func abandonImport(_ id: UInt64) throws(StoreError) {
    try drop(during: "give up an import") { (catalog) throws(StoreError) in
      guard let head = catalog.byID[id], head.isIncomplete else {
        throw StoreError(.noSuchName, "there is no import \(id)")
      }
      return head
    }
  }

  /// Forks a fork or a snapshot. Everything that was applied to the source before is in the fork.
  public func fork(_ source: Reference, as name: String) throws(StoreError) -> Head {
    let target = try Reference(fork: name)
    return try branch(source, "fork \(source)") { (catalog, head) throws(StoreError) in
      try catalog.requireFree(target)
      return .fork(source: head.id, name: name)
    }
  }

  /// Names the present state of a fork for good.
  public func snapshot(_ fork: Reference, as name: String) throws(StoreError) -> Head {
    guard fork.snapshot == nil else {
      throw StoreError(
        .notSupported, "'\(fork)' is a snapshot already",
        hint: "snapshots are taken of forks; fork it first to change it")
    }
    let target = try Reference(fork: fork.fork, snapshot: name)
    return try branch(fork, "snapshot \(fork)") { (catalog, head) throws(StoreError) in
      if catalog.snapshot(of: head.id, named: name) != nil {
        throw StoreError(.nameTaken, "there is a snapshot '\(target)' already", hint: "choose another name")
      }
      return .snapshot(source: head.id, name: name)
    }
  }

  private func branch(
    _ source: Reference, _ action: String, _ change: (Catalog, HeadState) throws(StoreError) -> CatalogChange
  ) throws(StoreError) -> Head {
    try changing { () throws(StoreError) in
      let head = try catalog.withLock { (catalog) throws(StoreError) in try catalog.find(source) }
      return try head.mutation.withLock { (_) throws(StoreError) in
        try catalog.withLock { (catalog) throws(StoreError) in
          guard !head.isGone else { throw StoreError(.noSuchName, "there is no '\(source)' any more") }
          return try append(try change(catalog, head), head: 0, &catalog, action)
        }
      }
    }
  }

  /// Drops a fork or a snapshot. Its space comes back with the next collection, which a full disk brings about.
  public func drop(_ reference: Reference) throws(StoreError) {
    try drop(during: "drop \(reference)") { (catalog) throws(StoreError) in
      let head = try catalog.find(reference)
      guard head.users.load(ordering: .acquiring) == 0 else {
        throw StoreError(.conflict, "'\(reference)' is mounted or in use", hint: "unmount it first")
      }
      let snapshots = catalog.snapshots(of: head.id).map { catalog.fullName($0) }
      guard snapshots.isEmpty else {
        throw StoreError(
          .conflict, "'\(reference)' has snapshots: \(snapshots.joined(separator: ", "))", hint: "drop them first")
      }
      return head
    }
  }

  /// With the lock of the head's changes: one that is under way comes before the drop in the ledger, and later ones find the head gone. A
  /// change behind the drop could not be replayed.
  private func drop(
    during action: String, _ find: (Catalog) throws(StoreError) -> HeadState
  ) throws(StoreError) {
    try changing { () throws(StoreError) in
      let head = try catalog.withLock { (catalog) throws(StoreError) in try find(catalog) }
      try head.mutation.withLock { (_) throws(StoreError) in
        try catalog.withLock { (catalog) throws(StoreError) in
          guard try find(catalog) === head else { throw StoreError(.noSuchName, "\(action): it is gone already") }
          _ = try append(.drop, head: head.id, &catalog, action)
          fullDisk.note(FullDisk.Garbage(heads: 1, pages: 0))
        }
      }
    }
  }

  /// Where even the reserve of a full disk is used up they stay, without a name, until the next start.
  func dropIncompleteImports() throws(StoreError) {
    for head in catalog.withLock({ $0.heads.filter(\.isIncomplete) }) {
      do throws(StoreError) { try abandonImport(head.id) } catch {
        guard error.kind == .noSpace else { throw error }
      }
    }
  }

  // MARK: The one way of every change

  private func changing<Result>(_ body: () throws(StoreError) -> Result) throws(StoreError) -> Result {
    try collectingOnFullDisk({ $0.kind == .noSpace }) { () throws(StoreError) in
      try gate.withReading { () throws(StoreError) in try body() }
    }
  }

  private func changeCatalog(
    _ action: String, _ change: (Catalog) throws(StoreError) -> (CatalogChange, head: UInt64)
  ) throws(StoreError) -> Head {
    try changing { () throws(StoreError) in
      try catalog.withLock { (catalog) throws(StoreError) in
        let (change, head) = try change(catalog)
        return try append(change, head: head, &catalog, action)
      }
    }
  }

  private func append(
    _ change: CatalogChange, head: UInt64, _ catalog: inout Catalog, _ action: String
  ) throws(StoreError) -> Head {
    let time = Clock.now()
    let record: AppendedRecord
    do throws(LedgerError) {
      record = try ledger.append(
        kind: change.kind.rawValue, head: head, time: time, body: change.encoded(),
        usingReserve: change.kind.freesSpace)
    } catch {
      throw StoreError(error, during: action)
    }
    let subject = RecordSubject(head: head, lsn: record.lsn, time: time)
    return pool.changingRoots {
      do throws(DecodingFailure) {
        // Not in one expression: that would hold on to a copy of the catalog, and change another one.
        let head = try catalog.apply(change, subject, makeEpoch: makeEpoch)
        return catalog.describe(head)
      } catch {
        preconditionFailure("a change of the catalog was checked before it was appended: \(error)")
      }
    }
  }
}

extension Catalog {
  fileprivate func requireFree(_ reference: Reference) throws(StoreError) {
    guard fork(named: reference.fork) == nil else {
      throw StoreError(
        .nameTaken, "there is a fork '\(reference.fork)' already", hint: "choose another name, or drop it first")
    }
  }
}
