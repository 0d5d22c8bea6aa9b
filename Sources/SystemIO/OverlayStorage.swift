import Synchronization

/// Another storage as it would be after some changes, which are kept in memory: it is read, and never written.
public final class OverlayStorage: Storage {
  private struct State {
    /// Files that were opened or made, by their present names; nil for a name that is gone.
    var files: [String: OverlayFile?] = [:]
    var directories: Set<String> = []
  }

  private let base: any Storage
  private let state = Mutex(State())

  public init(_ base: any Storage) { self.base = base }

  public func makeDirectory(_ path: String) throws(Errno) {
    state.withLock { _ = $0.directories.insert(path) }
  }

  public func list(_ path: String) throws(Errno) -> [String] {
    let (files, isNew) = state.withLock { ($0.files, $0.directories.contains(path)) }
    let prefix = path.isEmpty ? "" : path + "/"
    var names = Set(isNew ? [] : try base.list(path))
    for (other, file) in files where other.hasPrefix(prefix) {
      let name = String(other.dropFirst(prefix.count))
      guard !name.contains("/") else { continue }
      if file == nil { names.remove(name) } else { names.insert(name) }
    }
    return Array(names)
  }

  public func open(_ path: String, _ mode: StorageOpenMode) throws(Errno) -> any StorageFile {
    do throws(Errno) {
      let file = try file(path)
      if mode == .creating { throw .exists }
      return file
    } catch {
      guard error == .noSuchFile, mode == .creating else { throw error }
      let file = OverlayFile(nil, size: 0)
      state.withLock { $0.files[path] = .some(file) }
      return file
    }
  }

  private func file(_ path: String) throws(Errno) -> OverlayFile {
    if let known = state.withLock({ $0.files[path] }) {
      guard let known else { throw .noSuchFile }
      return known
    }
    let original = try base.open(path, .reading)
    let file = OverlayFile(original, size: try original.size())
    return state.withLock { state in
      if let other = state.files[path], let other { return other }
      state.files[path] = .some(file)
      return file
    }
  }

  public func rename(_ path: String, to newPath: String) throws(Errno) {
    let file = try file(path)
    state.withLock { state in
      state.files[path] = .some(nil)
      state.files[newPath] = .some(file)
    }
  }

  public func remove(_ path: String) throws(Errno) {
    _ = try file(path)
    state.withLock { $0.files[path] = .some(nil) }
  }

  public func synchronizeDirectory(_ path: String) throws(Errno) {}

  /// Nobody needs to be kept from reading.
  public func lock(_ path: String, _ mode: StorageLockMode) throws(Errno) -> any AnyObject & Sendable {
    try base.lock(path, .shared)
  }

  public func capacity() throws(Errno) -> (free: UInt64, total: UInt64) { try base.capacity() }
}

/// A file with changes on top of it.
private final class OverlayFile: StorageFile {
  private struct Content {
    var size: UInt64
    /// Bytes before this one are the original's, where no change covers them.
    var originalEnd: UInt64
    /// In the order in which they were made.
    var changes: [(offset: UInt64, bytes: [UInt8])] = []
  }

  private let original: (any StorageFile)?
  private let content: Mutex<Content>

  init(_ original: (any StorageFile)?, size: UInt64) {
    self.original = original
    content = Mutex(Content(size: size, originalEnd: size))
  }

  func read(into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64, mayBlock: Bool) throws(Errno) -> Int {
    let content = content.withLock { $0 }
    guard offset < content.size else { return 0 }
    let count = Int(min(UInt64(buffer.count), content.size - offset))
    let target = UnsafeMutableRawBufferPointer(rebasing: buffer[..<count])
    target.initializeMemory(as: UInt8.self, repeating: 0)
    if let original, offset < content.originalEnd {
      let visible = Int(min(UInt64(count), content.originalEnd - offset))
      _ = try original.read(
        into: UnsafeMutableRawBufferPointer(rebasing: target[..<visible]), at: offset, mayBlock: mayBlock)
    }
    for change in content.changes {
      let start = max(change.offset, offset)
      let end = min(change.offset + UInt64(change.bytes.count), offset + UInt64(count))
      guard start < end else { continue }
      change.bytes.withUnsafeBytes { bytes in
        let part = bytes[Int(start - change.offset)..<Int(end - change.offset)]
        target[Int(start - offset)..<Int(end - offset)].copyBytes(from: part)
      }
    }
    return count
  }

  func write(_ buffers: [UnsafeRawBufferPointer], at offset: UInt64) throws(Errno) {
    let bytes = buffers.flatMap { [UInt8]($0) }
    content.withLock { content in
      if let last = content.changes.last, last.offset + UInt64(last.bytes.count) == offset {
        content.changes[content.changes.count - 1].bytes += bytes
      } else {
        content.changes.append((offset, bytes))
      }
      content.size = max(content.size, offset + UInt64(bytes.count))
    }
  }

  func truncate(to size: UInt64) throws(Errno) {
    content.withLock { content in
      content.size = size
      content.originalEnd = min(content.originalEnd, size)
      content.changes = content.changes.compactMap { change in
        change.offset < size ? (change.offset, Array(change.bytes.prefix(Int(size - change.offset)))) : nil
      }
    }
  }

  func punchHole(at offset: UInt64, count: UInt64) throws(Errno) {
    let end = min(offset + count, content.withLock { $0.size })
    guard offset < end else { return }
    try write([UInt8](repeating: 0, count: Int(end - offset)), at: offset)
  }

  func allocate(at offset: UInt64, count: UInt64) throws(Errno) {
    content.withLock { $0.size = max($0.size, offset + count) }
  }

  func allocatedSize() throws(Errno) -> UInt64 { try size() }
  func size() throws(Errno) -> UInt64 { content.withLock { $0.size } }
  func synchronize() throws(Errno) {}
  func synchronizeAndDropCache() throws(Errno) {}
  func startWriteback(at offset: UInt64, count: UInt64) throws(Errno) {}
}
