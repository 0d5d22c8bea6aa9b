import CLinux
import Glibc
import Synchronization

/// Memory for the largest request or answer, lent to whoever needs it for a moment.
///
/// All of it is in memory from the start: a process that is killed while the kernel copies a request into memory that is not
/// there yet loses the request, and whoever sent it gets EIO. The last buffer given back is the first lent out, so few are warm.
final class Buffer: @unchecked Sendable {
  /// The largest write and, in front of it, room for the headers (as libfuse counts it).
  static let size = Configuration.maximumTransfer + 4096
  private static let spareLimit = 8
  private static let spares = Mutex<[Buffer]>([])

  let memory: UnsafeMutableRawBufferPointer

  private init() {
    memory = .allocate(byteCount: Self.size, alignment: 4096)
    linux_populate(memory.baseAddress!, memory.count)
  }

  deinit { memory.deallocate() }

  static func take() -> Buffer {
    spares.withLock { $0.popLast() } ?? Buffer()
  }

  func giveBack() {
    Self.spares.withLock { if $0.count < Self.spareLimit { $0.append(self) } }
  }
}
