/// A key of the tree: two numbers, compared one after the other. What they mean is for the layers above.
public struct TreeKey: Hashable, Comparable, Sendable, CustomStringConvertible {
  public var object: UInt64
  public var item: UInt64

  @inline(__always)
  public init(_ object: UInt64, _ item: UInt64) {
    self.object = object
    self.item = item
  }

  public static let first = TreeKey(0, 0)
  public static let last = TreeKey(.max, .max)

  @inline(__always)
  public static func < (left: TreeKey, right: TreeKey) -> Bool {
    left.object != right.object ? left.object < right.object : left.item < right.item
  }

  public var description: String { "\(object)/\(String(item, radix: 16))" }
}
