import Synchronization
public import SystemIO

/// The LSN of the last record that any process has appended since the mounts began, in the first word of the memory that the process which
/// takes over gets too (`RequestJournal`).
///
/// Recovery finds less only where the disk has lost what was answered. The kernel still believes all of it, and so may whoever had it
/// answered; what is mounted must end then, as it ends with a host that has lost power.
public struct LastRecord: @unchecked Sendable {
  private let word: UnsafeMutablePointer<Atomic<UInt64>>
  private let memory: SharedMemory

  public init(in memory: SharedMemory) {
    self.memory = memory
    word = memory.bytes.baseAddress!.bindMemory(to: Atomic<UInt64>.self, capacity: 1)
  }

  /// How many records are missing where recovery has found the ledger to end with `lsn`.
  public func missing(after lsn: UInt64) -> UInt64 {
    let last = word.pointee.load(ordering: .acquiring)
    return last - min(last, lsn)
  }

  /// Notes a record, before its change is answered. They come one after the other.
  public func note(_ lsn: UInt64) {
    if lsn > word.pointee.load(ordering: .relaxed) { word.pointee.store(lsn, ordering: .releasing) }
  }

  /// What is missing after `lsn` is missed by nobody any more: all that was mounted has ended.
  public func settle(at lsn: UInt64) { word.pointee.store(lsn, ordering: .releasing) }
}
