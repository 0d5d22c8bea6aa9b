/// How many nodes there are that heads or the catalog lead to, each counted once.
struct NodeCount: Equatable {
  var readable = 0
  /// The most there can be where not even the heads are known.
  var unreadable = 0

  static let unknown = NodeCount(readable: 0, unreadable: .max)

  var isWhole: Bool { unreadable == 0 }

  /// Whether less is missing. A node that cannot be read hides all below it, so of trees that lack some neither count
  /// tells alone.
  func areBetter(than other: NodeCount) -> Bool {
    if isWhole || other.isWhole { return !other.isWhole }
    return unreadable <= other.unreadable && readable >= other.readable && self != other
  }

  /// What others lack, for a person.
  func gain(over other: NodeCount) -> String {
    if other == .unknown { return "what leads to it" }
    if other.unreadable == unreadable { return "what damaged nodes hid" }
    return "damaged nodes, \(other.unreadable - unreadable) of them"
  }
}
