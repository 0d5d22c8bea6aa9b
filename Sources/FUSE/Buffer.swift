import CLinux
import Glibc
import Synchronization

/// Memory for the largest request or answer, lent to whoever needs it for a moment.
///
/// All of it is in memory from the start, and no child shares it: a process that is killed while the kernel copies a request into
/// memory that it has to bring in first loses the request, and whoever sent it gets EIO. The last buffer given back is the first lent out, so few are warm.
final class Buffer: @unchecked Sendable {
  /// The largest write and, in front of it, room for the headers (as libfuse counts it).
  static let size = Configuration.maximumTransfer + 4096
  private static let spareLimit = 8
  private static let spares = Mutex<[Buffer]>([])

  let memory: UnsafeMutableRawBufferPointer

  private init() {
    guard let address = linux_map_present(Self.size) else { preconditionFailure("there is no memory left") }
    memory = UnsafeMutableRawBufferPointer(start: address, count: Self.size)
  }

  deinit { munmap(memory.baseAddress, memory.count) }

  static func take() -> Buffer {
    spares.withLock { $0.popLast() } ?? Buffer()
  }

  func giveBack() {
    Self.spares.withLock { if $0.count < Self.spareLimit { $0.append(self) } }
  }
}
