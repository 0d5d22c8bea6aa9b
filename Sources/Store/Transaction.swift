public import Ledger
import Synchronization
public import SystemIO
public import Tree

/// A change of one fork under way. Nothing changes the fork meanwhile; what it looks up is the state before it.
public struct Transaction: ~Copyable {
  public let volume: Volume
  /// The moment of the change, for the times of what it touches.
  public let time: Timestamp
  public var mutation = Mutation()
  /// The new blocks that the edits refer to.
  fileprivate var blocks: PreparedBlocks?

  fileprivate init(_ volume: Volume, _ blocks: PreparedBlocks?) {
    self.volume = volume
    self.blocks = blocks
    time = Clock.timestamp()
  }

  public func reading<Result>(_ body: (TreeReader) throws(TreeError) -> Result) throws(Errno) -> Result {
    do throws(TreeError) { return try volume.reading(body) } catch { throw Errno(error) }
  }

  /// The inode, which must exist.
  public func inode(_ number: InodeNumber) throws(Errno) -> InodeItem {
    guard let inode = try reading({ (tree) throws(TreeError) in try tree.inode(number) }) else { throw .stale }
    return inode
  }

  public mutating func put(_ key: TreeKey, _ value: [UInt8]) { mutation.add(.put(key, value)) }

  public mutating func put(_ inode: InodeItem, _ number: InodeNumber) {
    put(TreeKey(number, .inode), inode.encoded())
  }

  public mutating func remove(_ key: TreeKey) { mutation.add(.remove(key)) }

  /// Hashes and compresses whole pages, content that is known only now, and returns their numbers for `map`. A record holds 1 MiB at
  /// most.
  public mutating func prepare(_ content: UnsafeRawBufferPointer) -> Range<Int> {
    let first = preparedPages.upperBound
    if let blocks {
      volume.store.ledger.add(content, to: blocks)
    } else {
      blocks = volume.store.ledger.prepare(content)
    }
    return first..<preparedPages.upperBound
  }

  /// All that is prepared so far.
  public var preparedPages: Range<Int> { 0..<(blocks?.pages.count ?? 0) }

  /// Maps prepared pages to a file from `page` on.
  ///
  /// - Returns: how many of the pages are stored, holes left out.
  public mutating func map(_ part: Range<Int>, to inode: InodeNumber, page: UInt64) -> UInt64 {
    guard let prepared = blocks else { preconditionFailure("nothing was prepared") }
    var index = part.lowerBound
    var stored: UInt64 = 0
    while index < part.upperBound {
      let target = page + UInt64(index - part.lowerBound)
      let run = prepared.run(from: index, upTo: part.upperBound)
      if let first = run.first {
        mutation.add(.map(inode, page: target, count: UInt32(run.count), first: first))
        stored += UInt64(run.count)
      } else {
        mutation.add(.unmap(inode, page: target, count: UInt64(run.count)))
      }
      index += run.count
    }
    return stored
  }
}

extension PreparedBlocks {
  /// The pages from `index` on that one edit covers: holes, or blocks in consecutive slots.
  fileprivate func run(from index: Int, upTo end: Int) -> (first: BlockReference?, count: Int) {
    let first = reference(index)
    var count = 1
    while index + count < end {
      switch (first, reference(index + count)) {
      case (nil, nil): break
      case (let first?, let next?) where next.segment == first.segment && next.slot == first.slot + UInt32(count): break
      default: return (first, count)
      }
      count += 1
    }
    return (first, count)
  }

  private func reference(_ index: Int) -> BlockReference? {
    switch pages[index] {
    case .hole: nil
    case .duplicate(let block): block
    case .new(let slot): BlockReference(segment: BlockReference.ownSegment, slot: UInt32(slot))
    }
  }
}

extension Volume {
  /// Changes the fork: `build` looks and collects edits, then they go to the ledger in one record and are applied. When this returns the change
  /// is seen by every reader and survives the death of the process. An error from `build` changes nothing. On a full disk it may be called
  /// twice.
  ///
  /// - Parameter content: whole pages that are hashed and compressed before other changes of the fork are kept out, for `map`.
  @discardableResult
  public func transaction<Result>(
    _ kind: RecordKind, preparing content: UnsafeRawBufferPointer? = nil,
    _ build: (inout Transaction) throws(Errno) -> Result
  ) throws(Errno) -> Result {
    guard !isReadOnly else { throw .readOnlyFileSystem }
    guard mayBlock else {
      do throws(Errno) { return try attempt(kind, content, build) } catch {
        // Whoever may wait gets space by a collection, perhaps.
        throw error == .noSpace && store.mayCollectOnFullDisk() ? .wouldBlock : error
      }
    }
    return try store.collectingOnFullDisk({ $0 == .noSpace }) { () throws(Errno) in
      try attempt(kind, content, build)
    }
  }

  private func attempt<Result>(
    _ kind: RecordKind, _ content: UnsafeRawBufferPointer?, _ build: (inout Transaction) throws(Errno) -> Result
  ) throws(Errno) -> Result {
    try store.gate.withReading { () throws(Errno) in
      let blocks = content.map { store.ledger.prepare($0) }
      return try head.mutation.withLock { (_) throws(Errno) in
        guard !head.isGone else { throw .stale }
        var transaction = Transaction(self, blocks)
        let result = try build(&transaction)
        if !transaction.mutation.edits.isEmpty { try commit(transaction, kind) }
        return result
      }
    }
  }

  private func commit(_ transaction: borrowing Transaction, _ kind: RecordKind) throws(Errno) {
    let record: AppendedRecord
    do throws(LedgerError) {
      record = try store.ledger.append(
        kind: kind.rawValue, head: head.id, time: transaction.time.nanosecondsSinceEpoch,
        body: transaction.mutation.encoded(), blocks: transaction.blocks, usingReserve: kind.freesSpace,
        witness: witness)
    } catch {
      throw Errno(error)
    }
    let mutation = transaction.mutation
    // A name that goes leaves records behind that nobody needs, so it counts as well.
    let garbage = mutation.discardedPages + (kind.freesSpace ? 1 : 0)
    store.fullDisk.note(FullDisk.Garbage(heads: 0, pages: garbage))
    do throws(TreeError) {
      try store.pool.writing { () throws(TreeError) in
        if head.tree.epoch == 0 { head.tree.epoch = store.makeEpoch() }
        try head.apply(mutation, lsn: record.lsn, firstBlock: record.firstBlock, store.pool)
      }
    } catch {
      // The ledger has the change and the tree does not: only a replay brings them together again.
      store.ledger.stop(.inputOutput)
      throw Errno(error)
    }
  }
}

extension Mutation {
  /// How many pages it removes or overwrites.
  fileprivate var discardedPages: Int64 {
    edits.reduce(-pages) { sum, edit in if case .map(_, _, let count, _) = edit { sum + Int64(count) } else { sum } }
  }
}

extension Errno {
  /// What a program is told: the disk's own error, or EIO for damage. That a file of the store is gone says nothing of the program's own.
  public init(_ error: LedgerError) {
    switch error {
    case .storage(.noSuchFile): self = .inputOutput
    case .storage(let errno): self = errno
    case .wouldBlock: self = .wouldBlock
    case .stopped, .damaged, .newerFormat: self = .inputOutput
    }
  }

  public init(_ error: TreeError) {
    switch error {
    case .storage(let errno): self = errno
    case .wouldBlock: self = .wouldBlock
    case .damaged, .notResident: self = .inputOutput
    }
  }
}
