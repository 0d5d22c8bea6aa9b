import Synchronization
import SystemIO
import TestSupport

/// A disk in memory that remembers every effect, so that whatever a crash at any of them can leave is built afterwards
/// (`CrashImages`), and that fails as a test says.
final class RecordingDisk: Storage {
  /// What happens to the next effect: nil lets it through.
  typealias Fault = @Sendable (_ effect: Effect, _ number: Int) -> Errno?

  /// A call that the disk takes and does not carry out: what would happen if the store forgot to make it.
  enum Omission: Hashable, CaseIterable {
    case flushesOfLedger, flushesOfIndex, flushesOfManifests, namesOfLedger, namesOfIndex, namesOfManifests
  }

  struct State {
    var directories: Set<String> = [""]
    var names: [String: RecordingFile] = [:]
    var effects: [Effect] = []
    var files = 0
    var fault: Fault?
    /// Effects that were asked for, and how many of them failed.
    var attempts = 0
    var faults = 0
    var failsReads: Errno?
    var omission: Omission?
    /// Where each file was made.
    var directoryOfFile: [Int: String] = [:]
    var locked: Set<String> = []
  }

  let state = Mutex(State())

  init() {}

  /// A disk that holds what a crash left; its effects count from there.
  convenience init(_ image: DiskImage) {
    self.init()
    state.withLock { state in
      state.directories = image.directories
      for (path, bytes) in image.files.sorted(by: { $0.key < $1.key }) {
        state.names[path] = RecordingFile(self, number: state.files, bytes)
        state.files += 1
      }
    }
  }

  var effects: [Effect] { state.withLock { $0.effects } }
  var effectCount: Int { state.withLock { $0.effects.count } }
  var attempts: Int { state.withLock { $0.attempts } }
  var faults: Int { state.withLock { $0.faults } }

  func fail(_ fault: Fault?) { state.withLock { $0.fault = fault } }

  func omit(_ omission: Omission?) { state.withLock { $0.omission = omission } }

  func failReads(_ error: Errno?) { state.withLock { $0.failsReads = error } }

  /// Notes an effect that is about to happen, or throws what the test wants.
  func note(_ effect: Effect) throws(Errno) {
    let error = state.withLock { state -> Errno? in
      if let error = state.fault?(effect, state.attempts) {
        state.attempts += 1
        state.faults += 1
        return error
      }
      state.attempts += 1
      if case .create(let number, let path) = effect { state.directoryOfFile[number] = path.parent }
      if let omission = state.omission, omission.concerns(effect, state.directoryOfFile) { return nil }
      state.effects.append(effect)
      return nil
    }
    if let error { throw error }
  }

  // MARK: Storage

  func makeDirectory(_ path: String) throws(Errno) {
    if state.withLock({ $0.directories.contains(path) }) { throw .exists }
    try note(.makeDirectory(path))
    state.withLock { _ = $0.directories.insert(path) }
  }

  func list(_ path: String) throws(Errno) -> [String] {
    let (directories, names) = state.withLock { ($0.directories, Array($0.names.keys)) }
    guard directories.contains(path) else { throw .noSuchFile }
    return (names + directories).compactMap { $0.name(in: path) }
  }

  func open(_ path: String, _ mode: StorageOpenMode) throws(Errno) -> any StorageFile {
    if let file = state.withLock({ $0.names[path] }) {
      if mode == .creating { throw .exists }
      return file
    }
    guard mode == .creating else { throw .noSuchFile }
    let number = state.withLock { $0.files }
    try note(.create(number, path: path))
    return state.withLock { state in
      let file = RecordingFile(self, number: number, [])
      state.names[path] = file
      state.files += 1
      return file
    }
  }

  func rename(_ path: String, to newPath: String) throws(Errno) {
    guard state.withLock({ $0.names[path] }) != nil else { throw .noSuchFile }
    try note(.rename(from: path, to: newPath))
    state.withLock { $0.names[newPath] = $0.names.removeValue(forKey: path) }
  }

  func remove(_ path: String) throws(Errno) {
    guard state.withLock({ $0.names[path] }) != nil else { throw .noSuchFile }
    try note(.remove(path))
    state.withLock { _ = $0.names.removeValue(forKey: path) }
  }

  func synchronizeDirectory(_ path: String) throws(Errno) { try note(.synchronizeDirectory(path)) }

  func lock(_ path: String, _ mode: StorageLockMode) throws(Errno) -> any AnyObject & Sendable {
    guard state.withLock({ $0.locked.insert(path).inserted }) else { throw .wouldBlock }
    return MemoryLock { [weak self] in self?.state.withLock { _ = $0.locked.remove(path) } }
  }

  func capacity() throws(Errno) -> (free: UInt64, total: UInt64) { (1 << 30, 1 << 31) }
}

extension RecordingDisk.Omission {
  private var directory: String {
    switch self {
    case .flushesOfLedger, .namesOfLedger: "ledger"
    case .flushesOfIndex, .namesOfIndex: "index"
    case .flushesOfManifests, .namesOfManifests: "manifest"
    }
  }

  fileprivate func concerns(_ effect: Effect, _ directoryOfFile: [Int: String]) -> Bool {
    switch (self, effect) {
    case (.flushesOfLedger, .synchronize(let file)), (.flushesOfIndex, .synchronize(let file)),
      (.flushesOfManifests, .synchronize(let file)):
      directoryOfFile[file] == directory
    case (.namesOfLedger, .synchronizeDirectory(let path)), (.namesOfIndex, .synchronizeDirectory(let path)),
      (.namesOfManifests, .synchronizeDirectory(let path)):
      path == directory
    default: false
    }
  }
}

/// A file of a `RecordingDisk`: what a reader sees of it at once.
final class RecordingFile: StorageFile {
  private let content: Mutex<[UInt8]>
  private unowned let disk: RecordingDisk
  private let number: Int

  init(_ disk: RecordingDisk, number: Int, _ bytes: [UInt8]) {
    self.disk = disk
    self.number = number
    content = Mutex(bytes)
  }

  func read(into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64, mayBlock: Bool) throws(Errno) -> Int {
    if let error = disk.state.withLock({ $0.failsReads }) { throw error }
    return content.withLock { bytes in
      let start = min(Int(offset), bytes.count)
      let count = min(buffer.count, bytes.count - start)
      bytes[start..<start + count].withUnsafeBytes { buffer.copyMemory(from: $0) }
      return count
    }
  }

  func write(_ buffers: [UnsafeRawBufferPointer], at offset: UInt64) throws(Errno) {
    let joined = buffers.flatMap { [UInt8]($0) }
    do throws(Errno) { try change(.write(number, offset: Int(offset), joined)) } catch {
      // Of a write that fails an unknown part was written.
      try? change(.write(number, offset: Int(offset), Array(joined.prefix(joined.count / 2))))
      throw error
    }
  }

  func synchronize() throws(Errno) { try disk.note(.synchronize(number)) }

  func synchronizeAndDropCache() throws(Errno) { try synchronize() }

  func startWriteback(at offset: UInt64, count: UInt64) throws(Errno) {}

  func size() throws(Errno) -> UInt64 { content.withLock { UInt64($0.count) } }

  func truncate(to size: UInt64) throws(Errno) {
    let shrinks = content.withLock { Int(size) < $0.count }
    try change(shrinks ? .shrink(number, to: Int(size)) : .resize(number, to: Int(size)))
  }

  func punchHole(at offset: UInt64, count: UInt64) throws(Errno) {
    try change(.punch(number, Int(offset)..<Int(offset + count)))
  }

  /// Pages of zeros take no space.
  func allocatedSize() throws(Errno) -> UInt64 {
    content.withLock { bytes in
      stride(from: 0, to: bytes.count, by: 4096).reduce(0) { sum, start in
        sum + (bytes[start..<min(start + 4096, bytes.count)].allSatisfy { $0 == 0 } ? 0 : 4096)
      }
    }
  }

  func allocate(at offset: UInt64, count: UInt64) throws(Errno) {
    let end = Int(offset + count)
    if content.withLock({ $0.count }) < end { try change(.resize(number, to: end)) }
  }

  private func change(_ effect: Effect) throws(Errno) {
    try disk.note(effect)
    content.withLock { $0.apply(effect) }
  }
}

extension [UInt8] {
  /// What an effect does to the bytes of its file.
  mutating func apply(_ effect: Effect) {
    switch effect {
    case .write(_, let offset, let bytes):
      extend(to: offset + bytes.count)
      replaceSubrange(offset..<offset + bytes.count, with: bytes)
    case .resize(_, let size), .shrink(_, let size):
      if count > size { removeLast(count - size) } else { extend(to: size) }
    case .punch(_, let range):
      let range = range.clamped(to: 0..<count)
      replaceSubrange(range, with: repeatElement(0, count: range.count))
    default: preconditionFailure("\(effect) changes no bytes")
    }
  }

  mutating func extend(to size: Int) {
    if count < size { append(contentsOf: repeatElement(0, count: size - count)) }
  }
}

extension String {
  /// The name of a path that lies directly in a directory; nil for any other.
  func name(in directory: String) -> String? {
    let prefix = directory.isEmpty ? "" : directory + "/"
    guard hasPrefix(prefix), count > prefix.count else { return nil }
    let rest = dropFirst(prefix.count)
    return rest.contains("/") ? nil : String(rest)
  }

  /// The directory that a path lies in.
  var parent: String { lastIndex(of: "/").map { String(self[..<$0]) } ?? "" }
}
