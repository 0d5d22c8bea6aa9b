/// The place of one block or tree node: a slot of a segment. It never changes, also when the segment is compacted.
public struct BlockReference: Hashable, Sendable, CustomStringConvertible {
  public let segment: UInt32
  public let slot: UInt32

  /// In a record's body this segment number means "the record's own segment", and the slot counts from its first slot:
  /// where a record lands is known only when it is appended. Real segments are numbered from 1 and never reach it.
  public static let ownSegment = UInt32.max

  @inline(__always)
  public init(segment: UInt32, slot: UInt32) {
    self.segment = segment
    self.slot = slot
  }

  @inline(__always)
  public init(packed: UInt64) {
    self.init(segment: UInt32(truncatingIfNeeded: packed >> 32), slot: UInt32(truncatingIfNeeded: packed))
  }

  /// Both numbers in 64 bits, ordered by age.
  @inline(__always)
  public var packed: UInt64 { UInt64(segment) << 32 | UInt64(slot) }

  /// The slot that is `count` behind this one.
  @inline(__always)
  public func advanced(by count: Int) -> BlockReference {
    BlockReference(segment: segment, slot: slot + UInt32(count))
  }

  public var description: String { "\(segment):\(slot)" }
}
