import Synchronization
public import SystemIO

/// A disk with faults: it fails calls as a test says, it can be full, and it knows what a power cut would leave: content that was not
/// synchronized may be there or not, page by page, and so may names whose directory was not synchronized.
public final class SimulatedDisk: Storage {
  public enum Call: Sendable {
    case create, read, write, synchronize, truncate, allocate, rename, remove, synchronizeDirectory
  }

  /// Which calls fail, and how: nil lets one through.
  public typealias Fault = @Sendable (_ call: Call, _ path: String) -> Errno?

  struct State {
    var directories: Set<String> = [""]
    var names: [String: SimulatedFile] = [:]
    var durableNames: [String: SimulatedFile] = [:]
    var fault: Fault?
    var capacity = Int.max
    var locked: Set<String> = []
  }

  let state = Mutex(State())

  public init() {}

  /// Lets calls fail from now on; nil ends that.
  public func fail(_ fault: Fault?) { state.withLock { $0.fault = fault } }

  /// Bytes that all files together may have.
  public func limit(to capacity: Int) { state.withLock { $0.capacity = capacity } }

  public var usedBytes: Int { state.withLock(\.usedBytes) }

  /// What is left when the process is killed: everything.
  public func afterKill() -> MemoryStorage {
    state.withLock { MemoryStorage(directories: $0.directories, files: $0.names.mapValues(\.bytes)) }
  }

  /// What a power cut at this moment may leave; the seed decides. Each page and each name that was not synchronized is old or new.
  public func afterPowerCut(seed: UInt64) -> MemoryStorage {
    var random = SeededRandom(seed: seed)
    // Some cuts lose everything or nothing, most of them parts.
    let odds = [0, 1, 2, 2, 2, 4][Int.random(in: 0..<6, using: &random)]
    return state.withLock { state in
      var files: [String: [UInt8]] = [:]
      for path in Set(state.names.keys).union(state.durableNames.keys).sorted() {
        let keepsNew = odds > 0 && random.oneIn(odds)
        let file = keepsNew ? state.names[path] : state.durableNames[path]
        files[path] = file?.afterPowerCut(&random, odds)
      }
      return MemoryStorage(directories: state.directories, files: files)
    }
  }

  func check(_ call: Call, _ path: String) throws(Errno) {
    if let error = state.withLock({ $0.fault })?(call, path) { throw error }
  }

  // MARK: Storage

  public func makeDirectory(_ path: String) throws(Errno) {
    let isNew = state.withLock { $0.directories.insert(path).inserted }
    if !isNew { throw .exists }
  }

  public func list(_ path: String) throws(Errno) -> [String] { try afterKill().list(path) }

  public func open(_ path: String, _ mode: StorageOpenMode) throws(Errno) -> any StorageFile {
    if mode == .creating { try check(.create, path) }
    let result: Result<SimulatedFile, Errno> = state.withLock { state in
      if let file = state.names[path] { return mode == .creating ? .failure(.exists) : .success(file) }
      guard mode == .creating else { return .failure(.noSuchFile) }
      let file = SimulatedFile(self, path)
      state.names[path] = file
      return .success(file)
    }
    return try result.get()
  }

  public func rename(_ path: String, to newPath: String) throws(Errno) {
    try check(.rename, path)
    let found = state.withLock { state in
      guard let file = state.names.removeValue(forKey: path) else { return false }
      state.names[newPath] = file
      return true
    }
    if !found { throw .noSuchFile }
  }

  public func remove(_ path: String) throws(Errno) {
    try check(.remove, path)
    if state.withLock({ $0.names.removeValue(forKey: path) }) == nil { throw .noSuchFile }
  }

  public func synchronizeDirectory(_ path: String) throws(Errno) {
    try check(.synchronizeDirectory, path)
    let prefix = path.isEmpty ? "" : path + "/"
    state.withLock { state in
      let isInside = { (name: String) in name.hasPrefix(prefix) && !name.dropFirst(prefix.count).contains("/") }
      state.durableNames = state.durableNames.filter { !isInside($0.key) }
        .merging(state.names.filter { isInside($0.key) }) { $1 }
    }
  }

  public func lock(_ path: String, _ mode: StorageLockMode) throws(Errno) -> any AnyObject & Sendable {
    guard state.withLock({ $0.locked.insert(path).inserted }) else { throw .wouldBlock }
    return MemoryLock { [weak self] in self?.state.withLock { _ = $0.locked.remove(path) } }
  }

  public func capacity() throws(Errno) -> (free: UInt64, total: UInt64) {
    let (used, total) = state.withLock { ($0.usedBytes, min($0.capacity, 1 << 40)) }
    return (UInt64(max(0, total - used)), UInt64(total))
  }
}

extension SimulatedDisk.State {
  var usedBytes: Int { names.values.reduce(0) { $0 + $1.count } }
}
