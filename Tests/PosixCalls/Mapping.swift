import Glibc
public import SystemIO

/// A range of a file in memory, shared with all who use the file: mmap(2).
public final class Mapping: @unchecked Sendable {
  public let bytes: UnsafeMutableRawBufferPointer

  public init(_ file: OpenFile, at offset: off_t = 0, count: Int, writable: Bool = true) throws(Errno) {
    let protection = writable ? PROT_READ | PROT_WRITE : PROT_READ
    guard let memory = mmap(nil, count, protection, MAP_SHARED, file.descriptor, offset), memory != MAP_FAILED else {
      throw Errno.last
    }
    bytes = UnsafeMutableRawBufferPointer(start: memory, count: count)
  }

  deinit { munmap(bytes.baseAddress, bytes.count) }

  /// msync(2) with MS_SYNC.
  public func synchronize() throws(Errno) {
    try retryingInterrupts { msync(bytes.baseAddress, bytes.count, Int32(MS_SYNC)) }
  }
}
