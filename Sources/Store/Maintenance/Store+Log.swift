import Ledger
import Synchronization
import SystemIO
import Tree

/// One record of the ledger, for a person to read.
public struct LogEntry: Sendable {
  public let lsn: UInt64
  /// Nanoseconds since 1970.
  public let time: UInt64
  public let kind: RecordKind
  /// The fork that it changed; nil where that is gone.
  public let fork: String?
  /// What it touched, by path as far as the fork still has it, and by inode otherwise.
  public let subject: [UInt8]
  /// The pages that it wrote.
  public let pages: UInt64
  public let checksum: UInt64
}

extension Store {
  /// Gives the records of a fork, or of all, to `body` in their order, until it returns false. Records go when a
  /// collection frees their segment.
  ///
  /// - Parameters:
  ///   - reference: a fork; nil for the whole store.
  ///   - verifying: verify every block that the records brought as well.
  public func log(
    of reference: Reference?, from lsn: UInt64 = 1, verifying: Bool = false, _ body: (LogEntry) -> Bool
  ) throws(StoreError) {
    var reader = try LogReader(of: reference, in: self)
    do throws(LedgerError) {
      try ledger.scan(from: lsn, verifyingPayload: verifying) { (record) throws(LedgerError) in
        guard reader.isWanted(record) else { return true }
        return body(try reader.entry(record))
      }
    } catch {
      throw StoreError(error, during: "read the ledger")
    }
  }

  /// The newest records of a fork, or of all, in their order. No more of the ledger is read than they need.
  ///
  /// - Parameters:
  ///   - reference: a fork; nil for the whole store.
  ///   - lsn: older records are left out.
  ///   - isWanted: asked from time to time; where it says no, what was found until then is returned.
  public func newestLogEntries(
    _ limit: Int, of reference: Reference?, from lsn: UInt64 = 1, while isWanted: () -> Bool = { true }
  ) throws(StoreError) -> [LogEntry] {
    var reader = try LogReader(of: reference, in: self)
    // The newest stretch first.
    var stretches: [[LogEntry]] = []
    var missing = limit
    do throws(LedgerError) {
      try ledger.scanBackwards(downTo: max(lsn, reader.firstLSN)) { (stretch) throws(LedgerError) in
        var entries: [LogEntry] = []
        try stretch.scan { (record) throws(LedgerError) in
          guard record.header.lsn >= lsn, reader.isWanted(record) else { return }
          entries.append(try reader.entry(record))
        }
        stretches.append(entries.suffix(missing))
        missing -= stretches[stretches.count - 1].count
        return missing > 0 && isWanted()
      }
    } catch {
      throw StoreError(error, during: "read the ledger")
    }
    return stretches.reversed().flatMap { $0 }
  }
}

/// Describes records, and looks up the paths of what they touched.
private struct LogReader {
  let store: Store
  let catalog: Catalog
  /// Whose records are wanted; nil for all.
  private let head: HeadState?
  private var finders: [UInt64: PathFinder] = [:]
  private var pinned: [PinnedTree] = []

  init(of reference: Reference?, in store: Store) throws(StoreError) {
    self.store = store
    (head, catalog) = try store.catalog.withLock { (catalog) throws(StoreError) in
      (try reference.map { (reference) throws(StoreError) in try catalog.find(reference) }, catalog)
    }
  }

  /// No wanted record is older: a fork's number is the LSN of the record that made it.
  var firstLSN: UInt64 { head?.id ?? 1 }

  func isWanted(_ record: Record) -> Bool {
    guard let head else { return true }
    return record.header.head == head.id || record.header.lsn == head.id
  }

  mutating func entry(_ record: Record) throws(LedgerError) -> LogEntry {
    guard let kind = RecordKind(rawValue: record.header.kind) else {
      throw .damaged("record \(record.header.lsn) has the unknown kind \(record.header.kind)")
    }
    let id = kind.changesCatalog && record.header.head == 0 ? record.header.lsn : record.header.head
    let (subject, pages) = try describe(kind, record)
    return LogEntry(
      lsn: record.header.lsn, time: record.header.time, kind: kind, fork: catalog.byID[id].map { catalog.fullName($0) },
      subject: subject, pages: pages, checksum: record.header.checksum)
  }

  private mutating func describe(_ kind: RecordKind, _ record: Record) throws(LedgerError) -> ([UInt8], UInt64) {
    do throws(DecodingFailure) {
      guard !kind.changesCatalog else {
        return ([UInt8](try CatalogChange(kind, decoding: record.body).name.utf8), 0)
      }
      let mutation = try Mutation(decoding: record.body)
      var pages: UInt64 = 0
      for case .map(_, _, let count, _) in mutation.edits { pages += UInt64(count) }
      return (subject(of: mutation, head: record.header.head), pages)
    } catch {
      throw .damaged("record \(record.header.lsn): \(error)")
    }
  }

  /// The name that a mutation makes, or else the path of the first inode it changes.
  private mutating func subject(of mutation: Mutation, head: UInt64) -> [UInt8] {
    for case .put(let key, let value) in mutation.edits where key.kind == .backReference {
      if let item = try? value.withUnsafeBytes({ try BackReferenceItem(decoding: $0) }) {
        return path(item.parent, head).map {
          $0 == [UInt8(ascii: ".")] ? item.name : $0 + [UInt8(ascii: "/")] + item.name
        }
          ?? item.name
      }
    }
    let inode = mutation.edits.lazy.compactMap(\.inode).first ?? 0
    return path(inode, head) ?? [UInt8]("inode \(inode)".utf8)
  }

  private mutating func path(_ inode: InodeNumber, _ head: UInt64) -> [UInt8]? {
    if finders[head] == nil, let state = catalog.byID[head], let tree = store.pin(state) {
      pinned.append(tree)
      finders[head] = PathFinder(store.pool, tree.tree)
    }
    return (try? finders[head]?.path(of: inode)) ?? nil
  }
}

extension CatalogChange {
  fileprivate var name: String {
    switch self {
    case .createFork(let name, _), .fork(_, let name), .snapshot(_, let name): name
    case .drop, .completeImport: ""
    }
  }
}

extension Edit {
  /// The inode that it changes.
  fileprivate var inode: InodeNumber? {
    switch self {
    case .put(let key, _), .remove(let key), .removeRange(let key, _): key.object == 0 ? nil : key.object
    case .map(let inode, _, _, _), .unmap(let inode, _, _): inode
    }
  }
}
