import Glibc
import PosixCalls
import SystemIO

/// A regular file's pages that are not all zero, each by a hash, and its holes.
struct FileContent: Hashable {
  var size: Int
  var pages: [Int: Int] = [:]
  /// The pages that lie in holes.
  var holes: Set<Int> = []
  /// What the file system said about holes that is not so.
  var brokenRule: String?

  private static let pageSize = 4096
  private static let chunk = 64 * pageSize
  /// Up to this size all is read; of a larger file, what is said to be data.
  private static let fullyRead = 1 << 21

  init(of file: OpenFile, size: Int) throws(Errno) {
    self.size = size
    let data = try Self.dataRanges(file, size)
    if size <= Self.fullyRead {
      try read(file, 0..<size)
      holes = Set(Self.pages(0..<size)).subtracting(data.flatMap(Self.pages))
      if let page = holes.first(where: { pages[$0] != nil }) { brokenRule = "page \(page) is in a hole, and not zero" }
    } else {
      for range in data { try read(file, range) }
    }
  }

  private static func dataRanges(_ file: OpenFile, _ size: Int) throws(Errno) -> [Range<Int>] {
    var ranges: [Range<Int>] = []
    var offset = 0
    while offset < size {
      let start: Int
      do throws(Errno) { start = try file.seek(offset, from: .data) } catch {
        guard error == .noSuchDeviceOrAddress else { throw error }
        break
      }
      offset = try file.seek(start, from: .hole)
      ranges.append(start..<offset)
    }
    return ranges
  }

  private static func pages(_ range: Range<Int>) -> Range<Int> {
    range.lowerBound / pageSize..<(range.upperBound + pageSize - 1) / pageSize
  }

  private mutating func read(_ file: OpenFile, _ range: Range<Int>) throws(Errno) {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.chunk, alignment: Self.pageSize)
    defer { buffer.deallocate() }
    var offset = range.lowerBound / Self.pageSize * Self.pageSize
    while offset < range.upperBound {
      buffer.initializeMemory(as: UInt8.self, repeating: 0)
      let count = try file.read(into: buffer, at: offset)
      if count == 0 { break }
      for start in stride(from: 0, to: count, by: Self.pageSize) {
        let page = UnsafeRawBufferPointer(rebasing: buffer[start..<start + Self.pageSize])
        add(page, at: (offset + start) / Self.pageSize)
      }
      offset += Self.chunk
    }
  }

  private mutating func add(_ page: UnsafeRawBufferPointer, at index: Int) {
    guard memcmp(page.baseAddress!, Self.zeros, Self.pageSize) != 0 else { return }
    var hasher = Hasher()
    hasher.combine(bytes: page)
    pages[index] = hasher.finalize()
  }

  private static let zeros = [UInt8](repeating: 0, count: pageSize)
}
