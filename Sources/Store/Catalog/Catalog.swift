/// All forks and snapshots by their numbers and names. The order of the numbers is the order of their birth.
struct Catalog {
  private(set) var byID: [UInt64: HeadState] = [:]
  private var byName: [Name: HeadState] = [:]
  /// Heads that were dropped since the last checkpoint.
  private(set) var dropped: [UInt64] = []

  private struct Name: Hashable {
    /// The fork that a snapshot belongs to; 0 for a fork.
    let owner: UInt64
    let name: String
  }

  var heads: [HeadState] { byID.values.sorted { $0.id < $1.id } }

  /// The states that forks began with.
  var forkPoints: [ForkPoint] { byID.values.compactMap(\.forkPoint) }

  func fork(named name: String) -> HeadState? { byName[Name(owner: 0, name: name)] }

  func snapshot(of owner: UInt64, named name: String) -> HeadState? { byName[Name(owner: owner, name: name)] }

  func snapshots(of owner: UInt64) -> [HeadState] {
    byID.values.filter { $0.ownerID == owner && $0.kind == .snapshot }.sorted { $0.id < $1.id }
  }

  mutating func add(_ head: HeadState) {
    byID[head.id] = head
    byName[Name(owner: head.ownerID, name: head.name)] = head
  }

  /// Removes a head; its children are its parent's from now on.
  mutating func remove(_ head: HeadState) {
    head.isGone = true
    for child in byID.values where child.parentID == head.id {
      child.parentID = head.parentID
      child.isDirty = true
    }
    byID[head.id] = nil
    byName[Name(owner: head.ownerID, name: head.name)] = nil
    dropped.append(head.id)
  }

  mutating func forgetDropped() { dropped = [] }

  /// The name with which a person refers to a head.
  func fullName(_ head: HeadState) -> String {
    guard head.kind == .snapshot else { return head.name }
    return "\(byID[head.ownerID]?.name ?? "?")@\(head.name)"
  }

  func describe(_ head: HeadState) -> Head {
    Head(
      id: head.id, kind: head.kind, name: fullName(head), parent: byID[head.parentID].map { fullName($0) },
      createdAt: head.createdAt, createdLSN: head.createdLSN, lastLSN: head.lastLSN, inodes: head.inodes,
      bytes: head.pages * 4096)
  }

  /// The head that a person names; incomplete imports have no name yet.
  func find(_ reference: Reference) throws(StoreError) -> HeadState {
    guard let fork = fork(named: reference.fork), !fork.isIncomplete else {
      throw StoreError(
        .noSuchName, "there is no fork '\(reference.fork)'", hint: "'tine list' shows the forks and snapshots")
    }
    guard let name = reference.snapshot else { return fork }
    guard let snapshot = snapshot(of: fork.id, named: name) else {
      throw StoreError(
        .noSuchName, "there is no snapshot '\(reference)'", hint: "'tine list' shows the forks and snapshots")
    }
    return snapshot
  }
}
