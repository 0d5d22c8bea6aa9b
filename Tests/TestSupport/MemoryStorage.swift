import Synchronization
public import SystemIO

/// A disk in memory: what is written is there at once. A copy of it is the disk as a power cut at that moment would leave it, were everything written
/// already flushed; tests cut and flip what they want in it.
public final class MemoryStorage: Storage {
  private struct State {
    var directories: Set<String> = [""]
    var files: [String: MemoryFile] = [:]
    var locked: Set<String> = []
  }

  private let state: Mutex<State>

  public init() { state = Mutex(State()) }

  private init(_ state: sending State) { self.state = Mutex(state) }

  /// A disk with these files, of which nothing is in the page cache: whoever may not wait for it reads nothing.
  public func cold() -> MemoryStorage {
    let copy = copy()
    copy.state.withLock { state in
      for file in state.files.values { file.isCold.store(true, ordering: .relaxed) }
    }
    return copy
  }

  /// A disk with these files.
  public convenience init(directories: Set<String>, files contents: [String: [UInt8]]) {
    var files: [String: MemoryFile] = [:]
    for (path, bytes) in contents { files[path] = MemoryFile(bytes) }
    self.init(State(directories: directories, files: files))
  }

  /// The same files, apart from these; locks are not copied.
  public func copy() -> MemoryStorage {
    let (directories, contents) = state.withLock { ($0.directories, $0.files.mapValues(\.bytes)) }
    return MemoryStorage(directories: directories, files: contents)
  }

  public var paths: [String] { state.withLock { $0.files.keys.sorted() } }

  public func bytes(of path: String) -> [UInt8] { state.withLock { $0.files[path]?.bytes ?? [] } }

  public func replace(_ path: String, with bytes: [UInt8]) {
    state.withLock { $0.files[path] = MemoryFile(bytes) }
  }

  public func flip(_ path: String, at offset: Int) {
    var changed = bytes(of: path)
    changed[offset] ^= 0x40
    replace(path, with: changed)
  }

  /// Lets reads of a sector of 512 bytes fail until it is written anew.
  public func makeUnreadable(_ path: String, sectorAt offset: Int) {
    state.withLock { $0.files[path]?.makeUnreadable(offset / MemoryFile.sector) }
  }

  /// Lets one read of a file fail, behind `count` that do not.
  public func failRead(of path: String, after count: Int) {
    state.withLock { $0.files[path]?.readsUntilFailure.store(count, ordering: .relaxed) }
  }

  // MARK: Storage

  public func makeDirectory(_ path: String) throws(Errno) {
    let isNew = state.withLock { $0.directories.insert(path).inserted }
    if !isNew { throw .exists }
  }

  public func list(_ path: String) throws(Errno) -> [String] {
    let prefix = path.isEmpty ? "" : path + "/"
    let names: [String]? = state.withLock { state in
      guard state.directories.contains(path) else { return nil }
      return (Array(state.files.keys) + state.directories).filter {
        $0.hasPrefix(prefix) && $0.count > prefix.count && !$0.dropFirst(prefix.count).contains("/")
      }.map { String($0.dropFirst(prefix.count)) }
    }
    guard let names else { throw .noSuchFile }
    return names
  }

  public func open(_ path: String, _ mode: StorageOpenMode) throws(Errno) -> any StorageFile {
    let result: Result<MemoryFile, Errno> = state.withLock { state in
      if let file = state.files[path] { return mode == .creating ? .failure(.exists) : .success(file) }
      guard mode == .creating else { return .failure(.noSuchFile) }
      let file = MemoryFile([])
      state.files[path] = file
      return .success(file)
    }
    return try result.get()
  }

  public func rename(_ path: String, to newPath: String) throws(Errno) {
    let found = state.withLock { state in
      guard let file = state.files.removeValue(forKey: path) else { return false }
      state.files[newPath] = file
      return true
    }
    if !found { throw .noSuchFile }
  }

  public func remove(_ path: String) throws(Errno) {
    let found = state.withLock { $0.files.removeValue(forKey: path) != nil }
    if !found { throw .noSuchFile }
  }

  public func synchronizeDirectory(_ path: String) throws(Errno) {}

  public func lock(_ path: String, _ mode: StorageLockMode) throws(Errno) -> any AnyObject & Sendable {
    let isFree = state.withLock { $0.locked.insert(path).inserted }
    guard isFree else { throw .wouldBlock }
    return MemoryLock { [weak self] in self?.state.withLock { _ = $0.locked.remove(path) } }
  }

  public func capacity() throws(Errno) -> (free: UInt64, total: UInt64) { (1 << 30, 1 << 31) }
}

/// A lock of a disk in memory, until the last reference to it goes.
public final class MemoryLock: Sendable {
  private let unlock: @Sendable () -> Void
  public init(_ unlock: @escaping @Sendable () -> Void) { self.unlock = unlock }
  deinit { unlock() }
}

private final class MemoryFile: StorageFile {
  static let sector = 512
  private let content: Mutex<[UInt8]>
  private let unreadable = Mutex<Set<Int>>([])
  let isCold = Atomic(false)
  let readsUntilFailure = Atomic(Int.max)

  init(_ bytes: [UInt8]) { content = Mutex(bytes) }

  var bytes: [UInt8] { content.withLock { $0 } }

  func makeUnreadable(_ sector: Int) { unreadable.withLock { _ = $0.insert(sector) } }

  func read(into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64, mayBlock: Bool) throws(Errno) -> Int {
    if !mayBlock, isCold.load(ordering: .relaxed) { throw .wouldBlock }
    let bytes = bytes
    let start = min(Int(offset), bytes.count)
    let count = min(buffer.count, bytes.count - start)
    let isReadable = unreadable.withLock { sectors in
      sectors.allSatisfy { ($0 + 1) * Self.sector <= start || start + count <= $0 * Self.sector }
    }
    guard isReadable, readsUntilFailure.wrappingSubtract(1, ordering: .relaxed).oldValue != 0 else {
      throw .inputOutput
    }
    bytes[start..<start + count].withUnsafeBytes { buffer.copyMemory(from: $0) }
    return count
  }

  func write(_ buffers: [UnsafeRawBufferPointer], at offset: UInt64) throws(Errno) {
    let joined = buffers.flatMap { [UInt8]($0) }
    unreadable.withLock { sectors in
      sectors = sectors.filter { $0 * Self.sector < Int(offset) || Int(offset) + joined.count < ($0 + 1) * Self.sector }
    }
    content.withLock { bytes in
      let end = Int(offset) + joined.count
      if bytes.count < end { bytes.append(contentsOf: repeatElement(0, count: end - bytes.count)) }
      bytes.replaceSubrange(Int(offset)..<end, with: joined)
    }
  }

  func synchronize() throws(Errno) {}

  func synchronizeAndDropCache() throws(Errno) {}

  func startWriteback(at offset: UInt64, count: UInt64) throws(Errno) {}

  func size() throws(Errno) -> UInt64 { UInt64(bytes.count) }

  func truncate(to size: UInt64) throws(Errno) {
    content.withLock { bytes in
      if bytes.count > Int(size) {
        bytes.removeLast(bytes.count - Int(size))
      } else {
        bytes.append(contentsOf: repeatElement(0, count: Int(size) - bytes.count))
      }
    }
  }

  func punchHole(at offset: UInt64, count: UInt64) throws(Errno) {
    content.withLock { bytes in
      let range = min(Int(offset), bytes.count)..<min(Int(offset + count), bytes.count)
      bytes.replaceSubrange(range, with: repeatElement(0, count: range.count))
    }
  }

  /// Pages of zeros take no space.
  func allocatedSize() throws(Errno) -> UInt64 {
    let bytes = bytes
    return stride(from: 0, to: bytes.count, by: 4096).reduce(0) { sum, start in
      sum + (bytes[start..<min(start + 4096, bytes.count)].allSatisfy { $0 == 0 } ? 0 : 4096)
    }
  }

  func allocate(at offset: UInt64, count: UInt64) throws(Errno) {
    content.withLock { bytes in
      let end = Int(offset + count)
      if bytes.count < end { bytes.append(contentsOf: repeatElement(0, count: end - bytes.count)) }
    }
  }
}
