import Glibc
public import PosixCalls
public import SystemIO

extension MixedLoad {
  /// Reads ranges in some way, to have them cached, whatever they hold at this moment.
  func read(_ reader: Int, _ ranges: [Int]) throws(Errno) {
    for range in ranges {
      let bytes = range * Self.rangeSize..<(range + 1) * Self.rangeSize
      switch reader {
      case 0, 1: _ = try content(plain, bytes)
      case 2: _ = try content(direct, bytes)
      default:
        for offset in stride(from: bytes.lowerBound, to: bytes.upperBound, by: Self.pageSize) { _ = mapping[offset] }
      }
    }
  }

  private func content(_ file: OpenFile, _ range: Range<Int>? = nil) throws(Errno) -> PageMemory {
    let range = range ?? expected.bytes.indices
    let memory = PageMemory(count: range.count)
    let piece = 1 << 16
    for start in stride(from: 0, to: range.count, by: piece) {
      let count = try file.read(into: memory[start..<start + piece].bytes, at: range.lowerBound + start)
      precondition(count == piece, "the file does not shrink")
    }
    return memory
  }

  /// What differs from what the file must hold, in whatever way it is read: nothing, where all is right.
  public func differences() throws(Errno) -> [String] {
    var found: [String] = []
    note("read through the cache", try content(plain), &found)
    note("mapped", mapping.bytes, &found)
    note("read past the cache", try content(direct), &found)
    return found
  }

  /// The same after a byte on each page was changed through the mapping: what was stale would come back with it.
  public func differencesAfterStores() throws(Errno) -> [String] {
    for offset in stride(from: 100, to: mapping.bytes.count, by: Self.pageSize) {
      mapping[offset] = UInt8(truncatingIfNeeded: round)
      expected.bytes[offset] = UInt8(truncatingIfNeeded: round)
    }
    try mapping.synchronize()
    try plain.synchronize()
    return try differences()
  }

  /// What is different in another file that should be the same, on a fork of this one's file system for example.
  public func differences(in other: Path) throws(Errno) -> [String] {
    var found: [String] = []
    note("in \(other)", try content(try other.open(O_RDONLY)), &found)
    return found
  }

  private func note(_ way: String, _ memory: PageMemory, _ found: inout [String]) { note(way, memory.bytes, &found) }

  private func note(_ way: String, _ bytes: UnsafeMutableRawBufferPointer, _ found: inout [String]) {
    let pages = stride(from: 0, to: bytes.count, by: Self.pageSize).filter { start in
      memcmp(bytes.baseAddress! + start, expected.bytes.baseAddress! + start, Self.pageSize) != 0
    }
    guard let first = pages.first else { return }
    found.append(
      "round \(round), \(way): \(pages.count) pages are not as written, the first is page \(first / Self.pageSize)")
  }
}
