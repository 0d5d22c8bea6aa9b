import Synchronization

/// Where a block with a given digest was stored lately. It is lossy, bounded and rebuilt from nothing: it only suggests a duplicate,
/// which counts after its bytes were compared. Each bucket keeps its four latest entries, because siblings that run the same
/// work share their *new* blocks.
final class HintTable: Sendable {
  private static let ways = 4

  private struct Entry {
    var fingerprint: UInt64 = 0
    var reference: UInt64 = 0
  }

  private let entries: Mutex<[Entry]>
  private let bucketMask: Int

  /// - Parameter capacity: how many blocks it remembers, at 16 bytes each; a power of two.
  init(capacity: Int) {
    precondition(capacity >= Self.ways && capacity.nonzeroBitCount == 1, "the capacity is a power of two")
    entries = Mutex(Array(repeating: Entry(), count: capacity))
    bucketMask = capacity / Self.ways - 1
  }

  /// For each digest the block that may hold the same bytes.
  func find(_ digests: [Digest]) -> [BlockReference?] {
    entries.withLock { entries in
      digests.map { digest in
        let bucket = Int(truncatingIfNeeded: digest.high) & bucketMask
        for index in bucket * Self.ways..<(bucket + 1) * Self.ways where entries[index].fingerprint == digest.low {
          return entries[index].reference == 0 ? nil : BlockReference(packed: entries[index].reference)
        }
        return nil
      }
    }
  }

  /// Remembers blocks that were just stored; each pushes out the oldest of its bucket.
  func insert(_ blocks: [(digest: Digest, reference: BlockReference)]) {
    entries.withLock { entries in
      for block in blocks {
        let first = (Int(truncatingIfNeeded: block.digest.high) & bucketMask) * Self.ways
        for index in stride(from: first + Self.ways - 1, to: first, by: -1) { entries[index] = entries[index - 1] }
        entries[first] = Entry(fingerprint: block.digest.low, reference: block.reference.packed)
      }
    }
  }
}
