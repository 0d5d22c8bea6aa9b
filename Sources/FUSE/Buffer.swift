import Glibc
import Synchronization

/// Memory for the largest request or answer, lent to whoever needs it for a moment.
///
/// Only what was touched of it occupies memory. The last buffer given back is the first lent out, so few are warm.
final class Buffer: @unchecked Sendable {
  /// The largest write and, in front of it, room for the headers (as libfuse counts it).
  static let size = Configuration.maximumTransfer + 4096
  private static let spareLimit = 8
  private static let spares = Mutex<[Buffer]>([])

  let memory: UnsafeMutableRawBufferPointer

  private init() {
    memory = .allocate(byteCount: Self.size, alignment: 4096)
  }

  deinit { memory.deallocate() }

  static func take() -> Buffer {
    spares.withLock { $0.popLast() } ?? Buffer()
  }

  func giveBack() {
    Self.spares.withLock { if $0.count < Self.spareLimit { $0.append(self) } }
  }
}
