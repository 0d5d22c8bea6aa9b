/// Look-ups. They run inside `reading` or `writing`.
extension NodePool {
  /// The value of a key, valid while the lock is held; nil where there is none.
  public func find(_ key: TreeKey, in tree: Tree) throws(TreeError) -> UnsafeRawBufferPointer? {
    guard tree.root != .none else { return nil }
    var node = try node(tree.root)
    while !node.isLeaf {
      node = try child(node.childIndex(key), of: node)
    }
    let index = node.lowerBound(key)
    return index < node.count && node.key(index) == key ? node.value(index) : nil
  }

  /// The entry with the greatest key that is not greater than `key`.
  public func floor(
    _ key: TreeKey, in tree: Tree
  ) throws(TreeError) -> (key: TreeKey, value: UnsafeRawBufferPointer)? {
    tree.root == .none ? nil : try floor(key, below: try node(tree.root))
  }

  private func floor(
    _ key: TreeKey, below node: Node
  ) throws(TreeError) -> (key: TreeKey, value: UnsafeRawBufferPointer)? {
    if node.isLeaf {
      let bound = node.lowerBound(key)
      let index = bound < node.count && node.key(bound) == key ? bound : bound - 1
      return index < 0 ? nil : (node.key(index), node.value(index))
    }
    var index = node.childIndex(key)
    while index >= 0 {
      if let found = try floor(key, below: try child(index, of: node)) { return found }
      index -= 1
    }
    return nil
  }

  /// Visits the entries from `first` to `last`, in order, until `body` returns false. Returns whether it was never stopped.
  @discardableResult
  public func scan(
    from first: TreeKey, through last: TreeKey, in tree: Tree,
    _ body: (TreeKey, UnsafeRawBufferPointer) throws(TreeError) -> Bool
  ) throws(TreeError) -> Bool {
    tree.root == .none ? true : try scan(from: first, through: last, below: try node(tree.root), body)
  }

  private func scan(
    from first: TreeKey, through last: TreeKey, below node: Node,
    _ body: (TreeKey, UnsafeRawBufferPointer) throws(TreeError) -> Bool
  ) throws(TreeError) -> Bool {
    if node.isLeaf {
      var index = node.lowerBound(first)
      while index < node.count, node.key(index) <= last {
        guard try body(node.key(index), node.value(index)) else { return false }
        index += 1
      }
      return true
    }
    var index = node.childIndex(first)
    while index < node.count, index == 0 || node.key(index) <= last {
      guard try scan(from: first, through: last, below: try child(index, of: node), body) else { return false }
      index += 1
    }
    return true
  }
}
