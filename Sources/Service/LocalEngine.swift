public import Control
public import FileSystem
import Store
import Synchronization
public import SystemIO

/// Carries out requests on a store that this process owns.
public final class LocalEngine: Engine {
  /// The path by which the store was opened.
  public let directory: String
  /// The store's directory, which may have another path by now than the one by which it was opened.
  public let storage: DirectoryStorage
  private let opened: Mutex<Store?>
  /// Whether the store may be written to.
  public let writes: Bool

  /// Opens a store and recovers what its last owner left.
  ///
  /// Where another process owns the store, waits `patience` milliseconds for it to end: commands are short, and a daemon
  /// that was told to end is still writing its last checkpoint.
  ///
  /// - Parameters:
  ///   - writes: whether the store may be written to. Otherwise whatever is done to it, its recovery too, is done in memory and forgotten.
  ///   - storage: the directory with the store's lock, where its last owner has died and handed them over.
  ///   - onRecovery: told the last LSN that recovery found, before anything is appended.
  ///   - onAppend: told the LSN of each record, one after the other, when it has been appended.
  ///   - onTrouble: told what nobody is told who asks for something, in a line for people.
  public init(
    opening directory: String, on storage: DirectoryStorage? = nil, writes: Bool = true, patience: Int = 3000,
    onRecovery: (@Sendable (UInt64) -> Void)? = nil, onAppend: (@Sendable (UInt64) -> Void)? = nil,
    onTrouble: (@Sendable (String) -> Void)? = nil
  ) throws(Failure) {
    self.directory = directory
    self.writes = writes
    var options = StoreOptions(reportingTo: onTrouble)
    options.checkpointsInBackground = writes
    options.forksAreReadOnly = !writes
    if !writes { options.reservedBytes = 0 }
    options.onRecovery = onRecovery
    options.onAppend = onAppend
    let (place, store) = try Self.whenFree(directory, patience) { () throws(StoreError) in
      if writes, storage == nil { try Self.refuseIfReadByDaemon(directory) }
      let place = if let storage { storage } else { try Store.directory(at: directory) }
      let open: any Storage = writes ? place : OverlayStorage(place)
      return (place, try Store.open(on: open, options: options, describedAs: directory.quoted))
    }
    self.storage = place
    opened = Mutex(store)
  }

  /// A store that had no lock file, and could not be written to, cannot have been locked by the daemon that mounts it read-only.
  static func refuseIfReadByDaemon(_ directory: String) throws(StoreError) {
    guard StoreLock(of: directory).isReadByDaemon else { return }
    throw StoreError(
      .storeInUse, "a daemon reads the store \(directory.quoted), which could not be written to when it began",
      hint: "'tine stop' ends it")
  }

  /// Does what needs the store for itself, as soon as its owner has ended.
  static func whenFree<Value>(
    _ directory: String, _ patience: Int, _ body: () throws(StoreError) -> Value
  ) throws(Failure) -> Value {
    OpenFileLimit.raise()
    let deadline = ContinuousClock.now.advanced(by: .milliseconds(patience))
    while true {
      do throws(StoreError) { return try body() } catch {
        guard error.kind == .storeInUse, StoreLock(of: directory).wait(until: deadline) else { throw Failure(error) }
      }
    }
  }

  /// The lock by which this process owns the store: whoever takes over needs it.
  public func fileLock() throws(Failure) -> FileLock? { try store().fileLock }

  /// Makes a store.
  public static func create(at directory: String) throws(Failure) {
    try translating { () throws(StoreError) in try Store.create(at: directory) }
  }

  /// Writes everything down and gives the store free.
  public func close() throws(Failure) {
    guard let store = opened.withLock({ $0.take() }), writes else { return }
    try translating { () throws(StoreError) in try store.close() }
  }

  /// What the start of the store did to its ledger; nil where the last owner had ended it in order.
  public var recovery: String? { opened.withLock { $0?.recoverySummary } }

  /// The store, while it is open.
  func store() throws(Failure) -> Store {
    guard let store = opened.withLock({ $0 }) else { throw Failure(.unreachable, "the store is being closed") }
    return store
  }

  /// The store, if it may be written to.
  func writableStore() throws(Failure) -> Store {
    try checkWrites()
    return try store()
  }

  /// - Throws: `readOnly` if the store may not be written to.
  public func checkWrites() throws(Failure) {
    if writes { return }
    throw Failure(
      .readOnly, "the store \(directory.quoted) is read-only",
      hint: "\(Store.readOnlyHint). If it can be written to by now, 'tine stop' ends the daemon that only reads it")
  }

  /// A fork or snapshot as files, for a mount: read-only if the store may not be written to.
  public func fileSystem(_ reference: String) throws(Failure) -> FileSystem {
    let store = try store()
    return try translating { () throws(StoreError) in FileSystem(try store.volume(Reference(reference))) }
  }

  public func version() throws(Failure) -> VersionReport { .current }
}

extension StoreOptions {
  fileprivate init(reportingTo report: (@Sendable (String) -> Void)?) {
    self.init()
    guard let report else { return }
    onStop = { error in
      report("the store stopped: \(error). Reads go on; nothing is acknowledged until the daemon is started anew")
    }
    onCheckpointFailure = { failure in
      report(failure.map { "checkpoints fail: \($0.message)" } ?? "checkpoints succeed again")
    }
  }
}

/// Runs a call of the store, and says its failure in the words of the API.
func translating<Value>(_ body: () throws(StoreError) -> Value) throws(Failure) -> Value {
  do throws(StoreError) { return try body() } catch { throw Failure(error) }
}

extension Failure {
  init(_ error: StoreError) {
    let kind: Kind =
      switch error.kind {
      case .notAStore: .notAStore
      case .storeExists: .storeExists
      case .storeInUse: .storeInUse
      case .newerFormat: .newerFormat
      case .damaged: .damaged
      case .nameTaken: .nameTaken
      case .noSuchName: .noSuchName
      case .invalidName: .invalidName
      case .notSupported: .notSupported
      case .conflict: .conflict
      case .noSpace: .noSpace
      case .readOnly: .readOnly
      case .canceled: .canceled
      case .failed: .failed
      }
    self.init(kind, error.message, hint: error.hint)
  }
}
