/// The place of a node for its whole life: the checkpoint generation it was born in, and its number among those born in it. A node
/// is given its place when it is made, long before it is written, so nothing that refers to it ever has to change.
public struct NodeReference: Hashable, Comparable, Sendable, CustomStringConvertible {
  public let packed: UInt64

  @inline(__always)
  public init(packed: UInt64) { self.packed = packed }

  @inline(__always)
  public init(generation: UInt32, slot: UInt32) { packed = UInt64(generation) << 32 | UInt64(slot) }

  /// No node: the root of an empty tree. Generations count from 1.
  public static let none = NodeReference(packed: 0)

  @inline(__always) public var generation: UInt32 { UInt32(truncatingIfNeeded: packed >> 32) }
  @inline(__always) public var slot: UInt32 { UInt32(truncatingIfNeeded: packed) }

  public static func < (left: NodeReference, right: NodeReference) -> Bool { left.packed < right.packed }

  public var description: String { "\(generation):\(slot)" }
}
