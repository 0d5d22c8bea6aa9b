import SystemIO

/// Writes one segment of the index: the nodes that a checkpoint found alive, each in the slot it was born with. What was born and died
/// in between leaves an empty slot.
public struct IndexWriter: ~Copyable {
  private static let bufferSize = 1 << 20
  private let segments: SegmentSet
  private let segment: Segment
  private var entries: [SlotEntry]
  private var buffer: [UInt8] = []
  private var end = UInt64(SegmentHeader.size)
  /// Nodes that were added.
  public private(set) var count = 0

  /// - Parameters:
  ///   - number: a number that no segment of the index had before.
  ///   - slots: how many nodes were born in this generation.
  public init(_ segments: SegmentSet, number: UInt32, slots: UInt32) throws(LedgerError) {
    self.segments = segments
    segment = try segments.create(
      SegmentHeader(
        number: number, salt: UInt64.random(in: .min ... .max), firstLSN: 0, previousChecksum: 0, durableLSN: 0))
    entries = [SlotEntry](repeating: .empty, count: Int(slots))
    buffer.reserveCapacity(Self.bufferSize + blockSize)
  }

  public func contains(_ slot: UInt32) -> Bool { entries[Int(slot)].length > 0 }

  public mutating func add(_ image: [UInt8], at slot: UInt32) throws(LedgerError) {
    precondition(image.count <= blockSize && !image.isEmpty, "a node image is at most a page")
    entries[Int(slot)] = SlotEntry(
      offset: end + UInt64(buffer.count), length: UInt16(image.count), encoding: .raw,
      digest: image.withUnsafeBytes { Digest(of: $0) })
    buffer.append(contentsOf: image)
    while buffer.count % 8 != 0 { buffer.append(0) }
    count += 1
    if buffer.count >= Self.bufferSize { try writeOut() }
  }

  private mutating func writeOut() throws(LedgerError) {
    let (bytes, offset, file) = (buffer, end, segment.file)
    try onDisk { () throws(Errno) in try file.write(bytes, at: offset) }
    end += UInt64(buffer.count)
    buffer.removeAll(keepingCapacity: true)
  }

  /// Seals the segment and makes it durable, its name too.
  public mutating func finish() throws(LedgerError) {
    try writeOut()
    segment.append(entries)
    try segment.seal(contentEnd: end, lastLSN: 0, lastChecksum: 0)
    try segments.synchronizeNames()
  }
}
