import CLZ4

/// How the bytes of a slot are stored.
public enum BlockEncoding: UInt16, Sendable {
  case raw = 0
  case lz4 = 1
}

/// LZ4 on single blocks.
enum BlockCodec {
  /// A compressed block must save at least a sixteenth, or it is kept raw: decompression costs every reader.
  static let worthwhile = blockSize - blockSize / 16

  /// Compresses a block into `target`, which has room for `worthwhile` bytes; nil where that does not pay.
  @inline(__always)
  static func compress(_ block: UnsafeRawPointer, into target: UnsafeMutableRawPointer) -> Int? {
    let count = LZ4_compress_fast(
      block.assumingMemoryBound(to: CChar.self), target.assumingMemoryBound(to: CChar.self),
      Int32(blockSize), Int32(worthwhile), 1)
    return count > 0 ? Int(count) : nil
  }

  /// Whether the stored bytes of a slot give the block with its digest.
  static func restores(_ source: UnsafeRawBufferPointer, _ entry: SlotEntry) -> Bool {
    withUnsafeTemporaryAllocation(byteCount: blockSize, alignment: 16) { target in
      decompress(source, entry.encoding, into: target.baseAddress!)
        && Digest(of: UnsafeRawBufferPointer(target)) == entry.digest
    }
  }

  /// Restores a block of `blockSize` bytes; false where the bytes are no such block.
  @inline(__always)
  static func decompress(
    _ source: UnsafeRawBufferPointer, _ encoding: BlockEncoding, into target: UnsafeMutableRawPointer
  ) -> Bool {
    switch encoding {
    case .raw:
      guard source.count == blockSize else { return false }
      target.copyMemory(from: source.baseAddress!, byteCount: blockSize)
      return true
    case .lz4:
      let count = LZ4_decompress_safe(
        source.baseAddress!.assumingMemoryBound(to: CChar.self), target.assumingMemoryBound(to: CChar.self),
        Int32(source.count), Int32(blockSize))
      return count == Int32(blockSize)
    }
  }
}
