public import Ledger
import Synchronization
public import SystemIO
public import Tree

/// One fork or snapshot, open for use: its tree to read, its blocks to read, and for a fork transactions that change
/// it. While it is open the fork can't be dropped.
public final class Volume: Sendable {
  public let store: Store
  let head: HeadState
  /// `prod`, or `prod@before`.
  public let name: String

  public var isReadOnly: Bool { head.kind == .snapshot || store.options.forksAreReadOnly }

  /// The number of the fork or snapshot.
  public var id: UInt64 { head.id }

  /// Whether the disk is waited for. Otherwise `wouldBlock` is thrown, and nothing changed, where it would have to be.
  public let mayBlock: Bool

  /// Of a frozen volume: what keeps its tree.
  private let pinned: PinnedTree?

  let witness: (any AppendWitness)?

  private let isInUse = Atomic(true)

  init(
    _ store: Store, _ head: HeadState, name: String, pinned: PinnedTree? = nil, mayBlock: Bool = true,
    witness: (any AppendWitness)? = nil
  ) {
    self.store = store
    self.head = head
    self.name = name
    self.pinned = pinned
    self.mayBlock = mayBlock
    self.witness = witness
    head.users.wrappingAdd(1, ordering: .acquiring)
  }

  deinit { endUse() }

  /// Lets the fork or snapshot be dropped from now on, even if somebody still has a reference to this object. It must not be used after that.
  public func endUse() {
    if isInUse.exchange(false, ordering: .relaxed) { head.users.wrappingSubtract(1, ordering: .releasing) }
  }

  /// The same fork or snapshot for those who may not wait for the disk.
  public func nonblocking() -> Volume { Volume(store, head, name: name, pinned: pinned, mayBlock: false) }

  /// The same fork for a change whose record is to be witnessed.
  public func witnessed(by witness: any AppendWitness) -> Volume {
    Volume(store, head, name: name, pinned: pinned, mayBlock: mayBlock, witness: witness)
  }

  /// How many inodes there are, and how many pages their content has.
  public var usage: (inodes: UInt64, pages: UInt64) {
    store.pool.readingRoots { (head.inodes, head.pages) }
  }

  /// Looks into the tree at one moment. `body` may run more than once, so it must begin anew each time it is called.
  public func reading<Result>(_ body: (TreeReader) throws(TreeError) -> Result) throws(TreeError) -> Result {
    try store.pool.reading(mayBlock: mayBlock) { () throws(TreeError) in
      try body(TreeReader(pool: store.pool, tree: head.tree))
    }
  }

  /// Reads blocks in consecutive slots, verified.
  public func readBlocks(
    _ extent: ExtentItem, into target: UnsafeMutableRawBufferPointer
  ) throws(LedgerError) {
    try store.ledger.readBlocks(extent.first, count: Int(extent.count), into: target, mayBlock: mayBlock)
  }

  /// Waits until everything that was applied to this fork is durable.
  public func flush() throws(LedgerError) {
    // A fork that was not changed yet has to last as well.
    let lsn = store.pool.readingRoots { max(head.lastLSN, head.createdLSN) }
    try store.ledger.flush(through: lsn)
  }
}

/// Look-ups in one tree; valid inside the `reading` that gave it.
public struct TreeReader {
  let pool: NodePool
  let tree: Tree

  public func find(_ key: TreeKey) throws(TreeError) -> UnsafeRawBufferPointer? { try pool.find(key, in: tree) }

  @discardableResult
  public func scan(
    _ range: ClosedRange<TreeKey>, _ body: (TreeKey, UnsafeRawBufferPointer) throws(TreeError) -> Bool
  ) throws(TreeError) -> Bool {
    try pool.scan(from: range.lowerBound, through: range.upperBound, in: tree, body)
  }

  /// The extents that meet a range of pages, clamped to it; the first `limit` of them.
  public func extents(
    of inode: InodeNumber, _ pages: Range<UInt64>, atMost limit: Int = .max
  ) throws(TreeError) -> [FileExtent] {
    try pool.extents(of: inode, pages, atMost: limit, in: tree)
  }

  /// The first extent of a file's content that ends behind a page.
  public func firstExtent(of inode: InodeNumber, from page: UInt64) throws(TreeError) -> FileExtent? {
    if let extent = try pool.extents(of: inode, page..<page + 1, in: tree).first { return extent }
    var found: FileExtent?
    guard page < ExtendedAttributeItem.firstContentPage else { return nil }
    let range = TreeKey(inode, .extent, page)...TreeKey(inode, .extent, ExtendedAttributeItem.firstContentPage - 1)
    try scan(range) { (key, value) throws(TreeError) in
      let item = try decoding(key) { () throws(DecodingFailure) in try ExtentItem(decoding: value) }
      found = FileExtent(page: key.sub, item: item)
      return false
    }
    return found
  }

  public func inode(_ number: InodeNumber) throws(TreeError) -> InodeItem? {
    let key = TreeKey(number, .inode)
    guard let value = try find(key) else { return nil }
    return try decoding(key) { () throws(DecodingFailure) in try InodeItem(decoding: value) }
  }

  /// The entry with a name, and its key.
  public func dentry(
    _ keys: ClosedRange<TreeKey>, named name: [UInt8]
  ) throws(TreeError) -> (key: TreeKey, item: DentryItem)? {
    var found: (TreeKey, DentryItem)?
    try scan(keys) { (key, value) throws(TreeError) in
      let item = try decoding(key) { () throws(DecodingFailure) in try DentryItem(decoding: value) }
      guard item.name == name else { return true }
      found = (key, item)
      return false
    }
    return found
  }
}

extension Store {
  /// Opens a fork or a snapshot.
  public func volume(_ reference: Reference) throws(StoreError) -> Volume {
    try catalog.withLock { (catalog) throws(StoreError) in open(try catalog.find(reference), catalog) }
  }

  /// Opens the fork of an import that has not ended.
  public func volume(ofImport id: UInt64) throws(StoreError) -> Volume {
    try catalog.withLock { (catalog) throws(StoreError) in
      guard let head = catalog.byID[id] else { throw StoreError(.noSuchName, "there is no import \(id)") }
      return open(head, catalog)
    }
  }

  private func open(_ head: HeadState, _ catalog: Catalog) -> Volume {
    Volume(self, head, name: catalog.fullName(head))
  }

  /// Opens the state that a fork or snapshot has now, read-only: it stays as it is, whatever is done to the fork.
  public func frozenVolume(_ reference: Reference) throws(StoreError) -> Volume {
    frozenVolume(try pin(reference), named: "\(reference)")
  }

  /// Opens a state that is kept.
  func frozenVolume(_ pinned: PinnedTree, named name: String) -> Volume {
    let frozen = HeadState(
      id: 0, kind: .snapshot, name: name, ownerID: 0, parentID: 0, createdAt: 0, createdLSN: 0, lastLSN: 0,
      tree: pinned.tree)
    return Volume(self, frozen, name: name, pinned: pinned)
  }

  public var nameHash: NameHash { names }

  /// Free bytes on the disk that the store is on, and the size of that disk.
  public func capacity() throws(Errno) -> (free: UInt64, total: UInt64) { try storage.capacity() }

  /// Waits until everything that was applied so far is durable.
  public func flush() throws(StoreError) {
    do throws(LedgerError) { try ledger.flush(through: ledger.lastLSN) } catch {
      throw StoreError(error, during: "flush the store")
    }
  }
}
