import Synchronization
import SystemIO

// Space that is merely reserved becomes written space with the first flush of each page, and the host's file system notes that in its journal: a flush
// then waits for two writes to the disk. Over pages that were written before it waits for one. So where small appends are flushed one by one, zeros
// are written ahead of the ledger's end, a piece at a time. They read as reserved space does, so recovery sees no difference. Bulk appends are never
// zeroed ahead: they would pay twice for nothing.

extension Ledger {
  /// A flush of more than this is bulk work.
  private static let smallFlush: UInt64 = 64 << 10

  /// Called behind each flush, by the thread that made it. An error is no matter: whoever writes there reports it.
  func writeAhead() {
    guard options.zeroedAhead > 0 else { return }
    let piece = appender.withLock { appender in
      let piece = appender.takeZeroing(options.zeroedAhead, smallFlush: Self.smallFlush)
      // With the lock held, for the next record must come after the zeros.
      if let piece { try? Self.zero(piece) }
      return piece
    }
    guard let piece else { return }
    try? piece.segment.file.startWriteback(at: piece.range.lowerBound, count: UInt64(piece.range.count))
  }

  private static func zero(_ piece: Appender.Piece) throws(Errno) {
    try zeros.withUnsafeBytesTyped { (zeros) throws(Errno) in
      var offset = piece.range.lowerBound
      while offset < piece.range.upperBound {
        let count = min(zeros.count, Int(piece.range.upperBound - offset))
        try piece.segment.file.write([UnsafeRawBufferPointer(rebasing: zeros[..<count])], at: offset)
        offset += UInt64(count)
      }
    }
  }

  private static let zeros = [UInt8](repeating: 0, count: 64 << 10)
}

extension Ledger.Appender {
  /// A part of a segment's file.
  struct Piece {
    let segment: Segment
    let range: Range<UInt64>
  }

  /// The part to zero now, in whole pages behind the end; nil where enough is zeroed, or where the appends since the last flush were many.
  fileprivate mutating func takeZeroing(_ distance: UInt64, smallFlush: UInt64) -> Piece? {
    guard let segment, failure == nil else { return nil }
    let isSmall = flushed.segment == segment.number && position.offset - flushed.offset <= smallFlush
    flushed = (segment.number, position.offset)
    if zeroed.segment != segment.number { zeroed = (segment.number, 0) }
    guard isSmall, position.offset + distance / 4 > zeroed.offset else { return nil }
    let start = max(zeroed.offset, (position.offset + 4095) / 4096 * 4096)
    let end = min(start + distance, allocated) / 4096 * 4096
    guard start < end else { return nil }
    zeroed.offset = end
    return Piece(segment: segment, range: start..<end)
  }
}
