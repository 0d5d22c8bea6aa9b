import CLinux
import Glibc

/// Memory that several processes map, and that lives as long as one of them has it.
public final class SharedMemory: @unchecked Sendable {
  /// To be handed to the processes that are to map it as well.
  public let descriptor: Int32
  public let bytes: UnsafeMutableRawBufferPointer

  /// Makes `size` bytes, all zero. `name` only shows in /proc.
  public convenience init(named name: String, size: Int) throws(Errno) {
    try self.init(mapping: FileDescriptor(owning: retryingInterrupts { linux_make_memory(name, size) }))
  }

  /// Maps what another process has made.
  public init(mapping descriptor: consuming FileDescriptor) throws(Errno) {
    var status = stat()
    try retryingInterrupts { fstat(descriptor.rawValue, &status) }
    let size = Int(status.st_size)
    let address = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor.rawValue, 0)
    guard let address, address != MAP_FAILED else { throw .last }
    bytes = UnsafeMutableRawBufferPointer(start: address, count: size)
    self.descriptor = descriptor.release()
  }

  deinit {
    munmap(bytes.baseAddress, bytes.count)
    close(descriptor)
  }
}
