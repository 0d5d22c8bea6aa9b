import Synchronization

/// Reusable buffers, so that the data path neither allocates nor touches fresh pages.
final class ScratchPool: Sendable {
  /// The size of each buffer in bytes: the largest request of the kernel (1 MiB) with room for headers between blocks.
  static let capacity = (1 << 20) + (1 << 18)
  private static let kept = 16
  private let free = Mutex<[Address]>([])

  private struct Address: @unchecked Sendable { let pointer: UnsafeMutableRawPointer }

  deinit { free.withLock { for address in $0 { address.pointer.deallocate() } } }

  func take() -> UnsafeMutableRawPointer {
    free.withLock { $0.popLast() }?.pointer
      ?? .allocate(byteCount: Self.capacity, alignment: blockSize)
  }

  func giveBack(_ pointer: UnsafeMutableRawPointer) {
    let address = Address(pointer: pointer)
    let keep = free.withLock { free in
      if free.count < Self.kept { free.append(address) } else { return false }
      return true
    }
    if !keep { pointer.deallocate() }
  }
}
