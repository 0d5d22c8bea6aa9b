public import CPosix
import Glibc
public import SystemIO

/// A range of a file in memory, shared with all who use the file: mmap(2).
public final class Mapping: @unchecked Sendable {
  /// The memory, there as long as the mapping is.
  public let bytes: UnsafeMutableRawBufferPointer

  public init(_ file: OpenFile, at offset: off_t = 0, count: Int, writable: Bool = true) throws(Errno) {
    let protection = writable ? PROT_READ | PROT_WRITE : PROT_READ
    guard let memory = mmap(nil, count, protection, MAP_SHARED, file.descriptor, offset), memory != MAP_FAILED else {
      throw Errno.last
    }
    bytes = UnsafeMutableRawBufferPointer(start: memory, count: count)
  }

  deinit { munmap(bytes.baseAddress, bytes.count) }

  public subscript(offset: Int) -> UInt8 {
    get { bytes[offset] }
    set { bytes[offset] = newValue }
  }

  public subscript(range: Range<Int>) -> [UInt8] {
    get { Array(bytes[range]) }
    set { UnsafeMutableRawBufferPointer(rebasing: bytes[range]).copyBytes(from: newValue) }
  }

  /// msync(2) with MS_SYNC.
  public func synchronize() throws(Errno) {
    try retryingInterrupts { msync(bytes.baseAddress, bytes.count, Int32(MS_SYNC)) }
  }
}
