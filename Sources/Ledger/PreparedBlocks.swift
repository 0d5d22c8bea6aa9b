import Glibc

/// What became of one page of a write.
public enum PreparedPage: Equatable, Sendable {
  /// All zeros: nothing is stored.
  case hole
  /// The same bytes are stored already.
  case duplicate(BlockReference)
  /// The n-th new slot of the record that the pages go into.
  case new(Int)
}

/// Pages of content, hashed, looked up and compressed, ready to go into one record.
public final class PreparedBlocks {
  public fileprivate(set) var pages: [PreparedPage] = []
  /// Offsets count from the start of the payload until the record is placed.
  fileprivate(set) var slots: [SlotEntry] = []
  fileprivate(set) var payloadLength = 0
  private let payload: UnsafeMutableRawPointer
  private let pool: ScratchPool

  /// How many pages fit into one record: the largest request of the kernel.
  public static let maximumPages = (1 << 20) / blockSize

  fileprivate init(_ pool: ScratchPool) {
    self.pool = pool
    self.payload = pool.take()
  }

  deinit { pool.giveBack(payload) }

  var payloadBytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: payload, count: payloadLength) }

  /// Stores one page behind the others; `compressing` says whether that is worth trying. Returns whether it shrank.
  fileprivate func add(_ page: UnsafeRawPointer, _ digest: Digest, compressing: Bool) -> Bool {
    let target = payload + payloadLength
    let compressed = compressing ? BlockCodec.compress(page, into: target) : nil
    if compressed == nil { target.copyMemory(from: page, byteCount: blockSize) }
    let length = UInt16(compressed ?? blockSize)
    pages.append(.new(slots.count))
    slots.append(
      SlotEntry(
        offset: UInt64(payloadLength), length: length, encoding: compressed == nil ? .raw : .lz4, digest: digest))
    let end = payloadLength + Int(length)
    payloadLength += RecordFormat.paddedLength(length)
    // What a former user of the buffer left must not reach the disk.
    (payload + end).initializeMemory(as: UInt8.self, repeating: 0, count: payloadLength - end)
    return compressed != nil
  }
}

extension Ledger {
  /// Hashes, looks up and compresses whole pages: `add` to nothing.
  public func prepare(_ content: UnsafeRawBufferPointer) -> PreparedBlocks {
    let prepared = PreparedBlocks(scratch)
    add(content, to: prepared)
    return prepared
  }

  /// Hashes, looks up and compresses whole pages, behind others for the same record.
  ///
  /// A duplicate that this finds is safe from a collection only if that started before this call, or sees the record in the trees: the
  /// caller holds what keeps a collection from looking at the roots, from before this call until the record is applied.
  /// - Parameter content: pages of `blockSize` bytes, with those that are prepared at most `PreparedBlocks.maximumPages`.
  public func add(_ content: UnsafeRawBufferPointer, to prepared: PreparedBlocks) {
    precondition(content.count % blockSize == 0, "only whole pages are stored")
    let count = content.count / blockSize
    precondition(prepared.pages.count + count <= PreparedBlocks.maximumPages, "a record holds at most 1 MiB of pages")
    let digests = (0..<count).map { Digest(of: content.page($0)) }
    let candidates = hints.find(digests)
    var compressible = CompressionGuess()
    for index in 0..<count {
      let page = content.page(index)
      if digests[index] == Self.holeDigest, page.isZero {
        prepared.pages.append(.hole)
      } else if let candidate = candidates[index], holds(candidate, page, digests[index]),
        keepFromCollection(candidate.segment)
      {
        prepared.pages.append(.duplicate(candidate))
      } else {
        let shrank = prepared.add(page.baseAddress!, digests[index], compressing: compressible.isLikely)
        compressible.observe(shrank)
      }
    }
  }

  private static let holeDigest = [UInt8](repeating: 0, count: blockSize).withUnsafeBytes { Digest(of: $0) }

  /// Whether a stored block has these very bytes. It never waits for the disk: what is not in memory counts as different.
  private func holds(_ candidate: BlockReference, _ page: UnsafeRawBufferPointer, _ digest: Digest) -> Bool {
    withUnsafeTemporaryAllocation(byteCount: blockSize, alignment: 16) { copy in
      do throws(LedgerError) {
        let entries = try segments.entries(candidate, count: 1, mayBlock: false)
        guard entries[0].digest == digest else { return false }
        try readBlocks(candidate, count: 1, into: copy, mayBlock: false)
        return memcmp(copy.baseAddress!, page.baseAddress!, blockSize) == 0
      } catch {
        // Whatever is wrong with the old copy, a new one is right; the damage is reported to who reads the old one.
        return false
      }
    }
  }
}

/// Gives up compressing a run when its first blocks do not shrink.
private struct CompressionGuess {
  private static let patience = 4
  private var failures = 0

  var isLikely: Bool { failures < Self.patience }

  mutating func observe(_ shrank: Bool) {
    if shrank { failures = 0 } else { failures += 1 }
  }
}

extension UnsafeRawBufferPointer {
  @inline(__always)
  fileprivate func page(_ index: Int) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: self[index * blockSize..<(index + 1) * blockSize])
  }

  /// Whether all bytes are zero: the first is, and each is like the one before it.
  fileprivate var isZero: Bool { self[0] == 0 && memcmp(baseAddress!, baseAddress! + 1, count - 1) == 0 }
}
