import Synchronization
import SystemIO

/// A file of a `SimulatedDisk`: its bytes, and those that were synchronized.
///
/// As on Linux, pages that a flush could not write are taken for written: until they are written to again they are lost, and show as
/// long as they are in memory.
final class SimulatedFile: StorageFile {
  private static let page = 4096
  private struct Content {
    var current: [UInt8] = []
    var durable: [UInt8] = []
    /// Pages that a flush could not write.
    var lost: Set<Int> = []
  }

  private let content = Mutex(Content())
  private unowned let disk: SimulatedDisk
  private let path: String

  init(_ disk: SimulatedDisk, _ path: String) {
    self.disk = disk
    self.path = path
  }

  var bytes: [UInt8] { content.withLock { $0.current } }

  var count: Int { content.withLock { $0.current.count } }

  /// The size is old or new, and so is each page.
  func afterPowerCut(_ random: inout SeededRandom, _ odds: Int) -> [UInt8] {
    let (current, durable) = content.withLock { ($0.current, $0.durable) }
    if odds == 0 || current == durable { return durable }
    let size = random.oneIn(odds) ? current.count : durable.count
    var result = [UInt8](repeating: 0, count: size)
    for start in stride(from: 0, to: size, by: Self.page) {
      let source = random.oneIn(odds) ? current : durable
      guard start < source.count else { continue }
      let range = start..<min(start + Self.page, size, source.count)
      result.replaceSubrange(range, with: source[range])
    }
    return result
  }

  /// Changes the bytes, where the disk has room for what they become.
  private func change(_ body: (inout [UInt8]) -> Void) throws(Errno) {
    let other = disk.usedBytes - count
    let capacity = disk.state.withLock { $0.capacity }
    let fits = content.withLock { content in
      var changed = content.current
      body(&changed)
      guard changed.count <= content.current.count || other + changed.count <= capacity else { return false }
      content.current = changed
      return true
    }
    if !fits { throw .noSpace }
  }

  private static func extend(_ bytes: inout [UInt8], to end: Int) {
    if bytes.count < end { bytes.append(contentsOf: repeatElement(0, count: end - bytes.count)) }
  }

  // MARK: StorageFile

  func read(into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64, mayBlock: Bool) throws(Errno) -> Int {
    try disk.check(.read, path)
    let bytes = bytes
    let start = min(Int(offset), bytes.count)
    let count = min(buffer.count, bytes.count - start)
    bytes[start..<start + count].withUnsafeBytes { buffer.copyMemory(from: $0) }
    return count
  }

  func write(_ buffers: [UnsafeRawBufferPointer], at offset: UInt64) throws(Errno) {
    let joined = buffers.flatMap { [UInt8]($0) }
    do throws(Errno) { try disk.check(.write, path) } catch {
      // Of a write that fails an unknown part was written.
      try? put(joined.prefix(joined.count / 2), at: Int(offset))
      throw error
    }
    try put(joined[...], at: Int(offset))
  }

  private func put(_ bytes: ArraySlice<UInt8>, at offset: Int) throws(Errno) {
    try change { content in
      Self.extend(&content, to: offset + bytes.count)
      content.replaceSubrange(offset..<offset + bytes.count, with: bytes)
    }
    guard !bytes.isEmpty else { return }
    content.withLock { $0.lost.subtract(offset / Self.page...(offset + bytes.count - 1) / Self.page) }
  }

  func synchronize() throws(Errno) {
    do throws(Errno) { try disk.check(.synchronize, path) } catch {
      content.withLock { content in
        let pages = 0..<(content.current.count + Self.page - 1) / Self.page
        content.lost.formUnion(pages.filter { Self.bytes($0, content.current) != Self.bytes($0, content.durable) })
      }
      throw error
    }
    content.withLock { content in
      var written = content.current
      for page in content.lost { Self.replace(page, of: &written, with: content.durable) }
      content.durable = written
    }
  }

  func synchronizeAndDropCache() throws(Errno) {
    try synchronize()
    content.withLock { content in
      content.current = content.durable
      content.lost = []
    }
  }

  private static func bytes(_ page: Int, _ content: [UInt8]) -> ArraySlice<UInt8> {
    content[min(page * Self.page, content.count)..<min((page + 1) * Self.page, content.count)]
  }

  /// What the disk never had of it reads as zeros.
  private static func replace(_ page: Int, of content: inout [UInt8], with other: [UInt8]) {
    let range = min(page * Self.page, content.count)..<min((page + 1) * Self.page, content.count)
    let old = bytes(page, other).prefix(range.count)
    content.replaceSubrange(range, with: old + repeatElement(0, count: range.count - old.count))
  }

  func startWriteback(at offset: UInt64, count: UInt64) throws(Errno) {}

  func size() throws(Errno) -> UInt64 { UInt64(count) }

  func truncate(to size: UInt64) throws(Errno) {
    try disk.check(.truncate, path)
    try change { bytes in
      if bytes.count > Int(size) {
        bytes.removeLast(bytes.count - Int(size))
      } else {
        Self.extend(&bytes, to: Int(size))
      }
    }
  }

  func punchHole(at offset: UInt64, count: UInt64) throws(Errno) {
    try change { bytes in
      let range = min(Int(offset), bytes.count)..<min(Int(offset + count), bytes.count)
      bytes.replaceSubrange(range, with: repeatElement(0, count: range.count))
    }
  }

  func allocatedSize() throws(Errno) -> UInt64 { UInt64(count) }

  func allocate(at offset: UInt64, count: UInt64) throws(Errno) {
    try disk.check(.allocate, path)
    try change { bytes in Self.extend(&bytes, to: Int(offset + count)) }
  }
}
