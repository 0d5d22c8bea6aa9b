/// What differs between two trees at one key.
public struct TreeChange: Sendable {
  public let key: TreeKey
  /// The value in the old tree; nil where the key is new.
  public let old: [UInt8]?
  /// The value in the new tree; nil where the key is gone.
  public let new: [UInt8]?
}

// Two trees are walked side by side as two streams of subtrees and entries in the order of their keys. Where both streams come to the same node
// it is skipped on both sides, so the cost follows the changes. Of two different subtrees, the one that starts first is opened, or the higher of
// two that start together; a node that both share then comes up on both sides at the same time, for its bound is the same in both.

/// The walk of one tree: the subtrees and entries still to come, the next one last.
private struct TreeCursor {
  enum Item {
    case subtree(NodeReference, low: TreeKey)
    case entry(TreeKey, [UInt8])
  }

  private let pool: NodePool
  private var pending: [Item] = []
  private let page = Page()

  init(_ tree: Tree, _ pool: NodePool) {
    self.pool = pool
    if tree.root != .none { pending.append(.subtree(tree.root, low: .first)) }
  }

  var next: Item? { pending.last }

  mutating func skip() { pending.removeLast() }

  /// Replaces the subtree that is next by what is in it; returns its level.
  mutating func open() throws(TreeError) {
    guard case .subtree(let reference, let low) = pending.popLast() else {
      preconditionFailure("only a subtree can be opened")
    }
    try pool.copyNode(reference, into: page.bytes)
    let node = Node(page.bytes)
    for index in (0..<node.count).reversed() {
      if node.isLeaf {
        pending.append(.entry(node.key(index), [UInt8](node.value(index))))
      } else {
        pending.append(.subtree(node.child(index), low: index == 0 ? low : node.key(index)))
      }
    }
  }

  /// The first key that can come next.
  var low: TreeKey? {
    switch pending.last {
    case .subtree(_, let low): low
    case .entry(let key, _): key
    case nil: nil
    }
  }
}

extension NodePool {
  /// Reports every key that differs, in order, until `body` returns false. Neither tree may change meanwhile.
  public func difference(
    from old: Tree, to new: Tree, _ body: (TreeChange) -> Bool
  ) throws(TreeError) {
    var left = TreeCursor(old, self)
    var right = TreeCursor(new, self)
    while true {
      switch (left.next, right.next) {
      case (nil, nil):
        return
      case (.subtree(let one, _), .subtree(let other, _)) where one == other:
        left.skip()
        right.skip()
      case (.entry(let key, let oldValue), .entry(let otherKey, let newValue)) where key == otherKey:
        left.skip()
        right.skip()
        if oldValue != newValue, !body(TreeChange(key: key, old: oldValue, new: newValue)) { return }
      default:
        guard try advance(&left, &right, body) else { return }
      }
    }
  }

  /// Opens or reports what comes first.
  private func advance(
    _ left: inout TreeCursor, _ right: inout TreeCursor, _ body: (TreeChange) -> Bool
  ) throws(TreeError) -> Bool {
    let leftIsFirst = right.low.map { other in left.low.map { $0 <= other } ?? false } ?? true
    let rightIsFirst = left.low.map { other in right.low.map { $0 <= other } ?? false } ?? true
    if leftIsFirst, case .subtree = left.next {
      try left.open()
      // Both start together: open both, or a higher tree would be read to its leaves before the other is looked into.
      if rightIsFirst, case .subtree = right.next { try right.open() }
    } else if rightIsFirst, case .subtree = right.next {
      try right.open()
    } else if leftIsFirst, case .entry(let key, let value) = left.next {
      left.skip()
      return body(TreeChange(key: key, old: value, new: nil))
    } else if case .entry(let key, let value) = right.next {
      right.skip()
      return body(TreeChange(key: key, old: nil, new: value))
    }
    return true
  }
}

/// One page of memory.
final class Page {
  let bytes = UnsafeMutableRawPointer.allocate(byteCount: Node.size, alignment: 8)
  deinit { bytes.deallocate() }
}
