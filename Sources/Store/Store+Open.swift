import Glibc
import Ledger
import Synchronization
public import SystemIO
import Tree

extension Store {
  private static let directories = ["ledger", "index", ManifestFiles.directory]
  /// The file that the process locks that owns the store.
  public static let lockPath = "lock"

  // MARK: Make

  /// Makes a new store in a directory of the host, which may exist if it is empty.
  public static func create(at path: String) throws(StoreError) {
    let storage = try storing("make the store \(path)") { () throws(Errno) in
      do throws(Errno) { try DirectoryStorage.makeDirectory(at: path) } catch {
        guard error == .exists else { throw error }
      }
      return try DirectoryStorage(opening: path)
    }
    try create(on: storage, describedAs: path.quoted)
    // The name of the store itself, which its parent holds. Whoever may not read that cannot flush it.
    try storing("make the store \(path)") { () throws(Errno) in
      do throws(Errno) { try storage.synchronizeDirectory("..") } catch {
        guard error == .accessDenied else { throw error }
      }
    }
  }

  /// Makes a new store. Its format file comes last: a directory without it is no store.
  public static func create(on storage: any Storage, describedAs path: String) throws(StoreError) {
    let names = try storing("look into \(path)") { () throws(Errno) in try storage.list("") }
    if names.contains(Superblock.path) {
      throw StoreError(.storeExists, "there is a store at \(path) already")
    }
    // What an earlier attempt made before it was interrupted is empty, and may stay.
    let unfinished = Superblock.path + ".new"
    guard Set(names).isSubset(of: directories + [unfinished]) else {
      throw StoreError(
        .storeExists, "the directory \(path) is not empty", hint: "name a directory of its own for the store")
    }
    let superblock = Superblock(
      identity: (.random(in: .min ... .max), .random(in: .min ... .max)), nameSeed: .random(in: .min ... .max),
      createdAt: Clock.now())
    try storing("make the store \(path)") { () throws(Errno) in
      for name in directories where !names.contains(name) { try storage.makeDirectory(name) }
      if names.contains(unfinished) { try storage.remove(unfinished) }
      try ManifestFiles(storage: storage).publish(.initial, number: 0, behind: 0)
      let file = try storage.open(unfinished, .creating)
      try file.write(superblock.encoded(), at: 0)
      try file.synchronize()
      try storage.rename(unfinished, to: Superblock.path)
      try storage.synchronizeDirectory("")
    }
  }

  // MARK: Open

  /// Opens the store in a directory of the host, and recovers what its last owner left.
  ///
  public static func open(at path: String, options: StoreOptions = StoreOptions()) throws(StoreError) -> Store {
    try open(on: directory(at: path), options: options, describedAs: path.quoted)
  }

  /// The directory of a store on the host.
  ///
  /// - Parameter lock: the store's, where the last owner has handed it over (`fileLock`).
  /// - Throws: `notAStore` where there is none.
  public static func directory(at path: String, holding lock: FileLock? = nil) throws(StoreError) -> DirectoryStorage {
    do throws(Errno) { return try DirectoryStorage(opening: path, holding: lock) } catch {
      throw openingFailure(error, path.quoted)
    }
  }

  /// The lock by which this process owns the store; nil where it is not in a directory of the host, or closed.
  public var fileLock: FileLock? { lock.withLock { $0 as? FileLock } }

  public static func open(
    on storage: any Storage, options: StoreOptions, describedAs path: String
  ) throws(StoreError) -> Store {
    let superblock = try readSuperblock(storage, path)
    let lock = try takeLock(storage, path)
    var options = options
    let reserve = makeReserve(storage, &options)
    let recovered = try RecoveredStore(storage, options)
    let store = Store(
      storage: storage, options: options, lock: lock, superblock: superblock, recovered: recovered, reserve: reserve)
    // Not before recovery, which may need the room.
    reserve.restore()
    options.onRecovery?(recovered.report.lastLSN)
    try store.dropIncompleteImports()
    if options.checkpointsInBackground { store.startCheckpointing() }
    return store
  }

  /// The store's reserve, from which the ledger may take.
  static func makeReserve(_ storage: any Storage, _ options: inout StoreOptions) -> Reserve {
    let reserve = Reserve(storage, size: options.reservedBytes)
    options.ledger.releaseReserve = { reserve.release(for: .record) }
    return reserve
  }

  /// What can be done with a store that cannot be written to, for people.
  public static let readOnlyHint =
    "it can be listed, compared, checked, exported and mounted (read-only); changes need a copy of it"

  static func takeLock(_ storage: any Storage, _ path: String) throws(StoreError) -> any AnyObject & Sendable {
    do throws(Errno) { return try storage.lock(lockPath, .exclusive) } catch {
      if error.meansReadOnly {
        throw StoreError(.readOnly, "the store \(path) is read-only", hint: readOnlyHint)
      }
      if Errno.signsOfAnotherFile.contains(error) {
        throw StoreError(
          .conflict, "'lock' in the store \(path) is no file of the store",
          hint: "move it away once no process uses the store; it is made again")
      }
      guard error == .wouldBlock else { throw StoreError(error, during: "lock the store \(path)") }
      throw StoreError(
        .storeInUse, "the store \(path) is in use by another process",
        hint:
          "its daemon answers on the socket in the store; another command may be at work: try again when it has ended")
    }
  }

  static func readSuperblock(_ storage: any Storage, _ path: String) throws(StoreError) -> Superblock {
    try Superblock.decode(try superblockBytes(storage, path))
  }

  /// - Throws: `notAStore` where there is none.
  static func superblockBytes(_ storage: any Storage, _ path: String) throws(StoreError) -> [UInt8] {
    do throws(Errno) {
      let file = try storage.open(Superblock.path, .reading)
      return try file.readExactly(Int(min(try file.size(), 4096)), at: 0)
    } catch {
      throw openingFailure(error, path)
    }
  }

  private static func openingFailure(_ error: Errno, _ path: String) -> StoreError {
    guard error == .noSuchFile || error == .notDirectory else {
      return StoreError(error, during: "open the store \(path)")
    }
    return StoreError(
      .notAStore, "there is no store at \(path)", hint: "make one with 'tine init', or name another with --store")
  }

  /// What recovery had to do, for a person; nil where the last owner had ended in order.
  public var recoverySummary: String? {
    guard recovery.replayed > 0 || recovery.cut != nil else { return nil }
    let replayed = "replayed \(recovery.replayed) records behind the last checkpoint"
    return recovery.cut.map { "\(replayed); the torn end of the ledger was cut off: \($0)" } ?? replayed
  }

  /// A path to the directory of the host that the store is in, good in this process as long as the store is; nil where it is on another
  /// kind of storage.
  public var path: String? { (storage as? DirectoryStorage)?.path }

  /// Takes a checkpoint, so that the next start has nothing to replay, and stops the background work. On a full disk a flush has to do, for
  /// then the next start replays. Whoever still uses the store can read, and changes nothing any more.
  public func close() throws(StoreError) {
    // Whoever opens it next need not wait until the last reference to this object is gone. No collection is under way then.
    defer {
      maintenance.withLock { _ in
        ledger.close()
        fileLock?.release()
        lock.withLock { $0 = nil }
      }
    }
    stopCheckpointing()
    ledger.beginNewSegment()
    do throws(StoreError) { try checkpoint() } catch {
      guard error.kind == .noSpace else { throw error }
      try flush()
      reserve.restore()
    }
  }
}

/// The wall clock.
public enum Clock {
  /// Nanoseconds since 1970.
  public static func now() -> UInt64 { timestamp().nanosecondsSinceEpoch }

  public static func timestamp() -> Timestamp {
    let now = SystemClock.now()
    return Timestamp(seconds: now.seconds, nanoseconds: now.nanoseconds)
  }
}

extension Errno {
  /// A symbolic link, a directory, or something else is where a regular file belongs.
  fileprivate static let signsOfAnotherFile: [Errno] = [
    .invalidArgument, .isDirectory, .noSuchDeviceOrAddress, Errno(rawValue: ELOOP),
  ]
}
