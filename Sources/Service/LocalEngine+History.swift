public import Control
import FileSystem
import Glibc
import Store

extension LocalEngine {
  public func diff(
    _ request: DiffRequest, while isWanted: () -> Bool, _ body: (Control.Change) throws(Failure) -> Bool
  ) throws(Failure) {
    let store = try store()
    if request.common == true, request.old == nil {
      throw Failure(.badRequest, "what two have in common needs both of them")
    }
    let comparison = try translating { () throws(StoreError) in
      let new = try Reference(request.new)
      guard let old = request.old else { return try store.compareWithForkPoint(new) }
      return try request.common == true
        ? store.compareWithCommonMoment(of: Reference(old), new) : store.compare(Reference(old), new)
    }
    let patches = request.patch ? PatchMaker(comparison) : nil
    var failure: Failure?
    try translating { () throws(StoreError) in
      try comparison.forEachChange { change in
        do throws(Failure) {
          guard isWanted() else { throw .canceled }
          return try body(Control.Change(change, patch: patches?.patch(change, while: isWanted)))
        } catch {
          failure = error
          return false
        }
      }
    }
    if let failure { throw failure }
  }

  public func log(_ request: LogRequest, while isWanted: () -> Bool) throws(Failure) -> [Control.LogEntry] {
    let store = try store()
    let limit = max(1, request.limit ?? .max)
    let entries = try translating { () throws(StoreError) in
      let reference = try Reference(request.reference)
      guard request.verify else {
        return try store.newestLogEntries(limit, of: reference, from: request.since ?? 1, while: isWanted)
          .map { Control.LogEntry($0) }
      }
      var entries: [Control.LogEntry] = []
      // All that is asked for is verified, and the newest are told: older ones go now and then, and at the end.
      try store.log(of: reference, from: request.since ?? 1, verifying: true) { entry in
        entries.append(Control.LogEntry(entry))
        if entries.count / 2 >= limit { entries.removeFirst(entries.count - limit) }
        return isWanted()
      }
      return entries.suffix(limit)
    }
    guard isWanted() else { throw .canceled }
    return entries
  }
}

extension Control.LogEntry {
  init(_ entry: StoredLogEntry) {
    let digits = String(entry.checksum, radix: 16)
    self.init(
      lsn: entry.lsn, time: Moment(nanoseconds: entry.time), name: entry.fork, operation: entry.kind.text,
      subject: BytePath(entry.subject), pages: entry.pages,
      checksum: String(repeating: "0", count: 16 - digits.count) + digits)
  }
}

extension RecordKind {
  /// The words that the API and people use.
  fileprivate var text: String {
    switch self {
    case .createFork: "create fork"
    case .fork: "fork"
    case .snapshot: "snapshot"
    case .drop: "drop"
    case .completeImport: "complete import"
    case .create: "create"
    case .makeDirectory: "mkdir"
    case .symbolicLink: "symlink"
    case .link: "link"
    case .unlink: "unlink"
    case .removeDirectory: "rmdir"
    case .rename: "rename"
    case .write: "write"
    case .truncate: "truncate"
    case .setAttributes: "set attributes"
    case .allocate: "allocate"
    case .copyRange: "copy range"
    case .setExtendedAttribute: "set xattr"
    case .removeExtendedAttribute: "remove xattr"
    case .purge: "purge"
    case .importEntry: "import"
    }
  }
}

extension Control.Change {
  init(_ change: StoredChange, patch: [UInt8]?) {
    self.init(
      path: BytePath(change.path), oldPath: change.oldPath.map { BytePath($0) }, change: Kind(change),
      kind: FileKind(type: change.type),
      pages: change.pages.map { PageRange(first: $0.lowerBound, last: $0.upperBound - 1) },
      attributes: change.attributes.map(\.text), oldSize: change.old?.size, newSize: change.new?.size, patch: patch)
  }
}

extension Control.Change.Kind {
  fileprivate init(_ change: StoredChange) {
    switch change.kind {
    case .added: self = .added
    case .removed: self = .deleted
    case .renamed: self = .renamed
    case .modified:
      let isContent = !change.pages.isEmpty || !Set(change.attributes).isDisjoint(with: [.size, .target])
      self = isContent ? .modified : .attributes
    }
  }
}

extension Control.Change.FileKind {
  fileprivate init(type: UInt32) {
    switch type & S_IFMT {
    case S_IFDIR: self = .directory
    case S_IFLNK: self = .symlink
    case S_IFIFO: self = .fifo
    case S_IFSOCK: self = .socket
    case S_IFCHR, S_IFBLK: self = .device
    default: self = .file
    }
  }
}

extension StoredChange.Attribute {
  fileprivate var text: String { self == .extendedAttributes ? "xattrs" : rawValue }
}
