/// Removal. It runs inside `writing`.
extension NodePool {
  public func remove(_ key: TreeKey, in tree: inout Tree) throws(TreeError) {
    try removeRange(from: key, through: key, in: &tree)
  }

  /// Removes all entries from `first` to `last`. A subtree that lies wholly between them is let go without a look into it.
  public func removeRange(from first: TreeKey, through last: TreeKey, in tree: inout Tree) throws(TreeError) {
    guard tree.root != .none, first <= last else { return }
    tree.root = try erase(first, last, below: try node(tree.root), tree.epoch)
    while tree.root != .none {
      let root = try node(tree.root)
      guard !root.isLeaf, root.count == 1 else { return }
      tree.root = try child(0, of: root).reference
      if root.epoch == tree.epoch { discard(root.reference) }
    }
  }

  /// Returns what stands in the place of the node: itself where nothing was removed, a writable node, or none where nothing is left.
  private func erase(
    _ first: TreeKey, _ last: TreeKey, below node: Node, _ epoch: UInt64
  ) throws(TreeError) -> NodeReference {
    node.isLeaf ? try eraseLeaf(first, last, node, epoch) : try eraseInner(first, last, node, epoch)
  }

  private func eraseLeaf(
    _ first: TreeKey, _ last: TreeKey, _ leaf: Node, _ epoch: UInt64
  ) throws(TreeError) -> NodeReference {
    let start = leaf.lowerBound(first)
    var end = start
    while end < leaf.count, leaf.key(end) <= last { end += 1 }
    if start == end { return leaf.reference }
    if end - start == leaf.count {
      if leaf.epoch == epoch { discard(leaf.reference) }
      return .none
    }
    let writable = try writable(leaf.reference, epoch)
    writable.remove(start..<end)
    return writable.reference
  }

  private func eraseInner(
    _ first: TreeKey, _ last: TreeKey, _ original: Node, _ epoch: UInt64
  ) throws(TreeError) -> NodeReference {
    let low = original.childIndex(first)
    let high = original.childIndex(last)
    // Only the children at both ends can hold keys outside the range.
    let lowChild = try erase(first, last, below: try child(low, of: original), epoch)
    let highChild = high == low ? lowChild : try erase(first, last, below: try child(high, of: original), epoch)
    if lowChild == original.child(low), highChild == original.child(high), high - low < 2 { return original.reference }

    let node = try writable(original.reference, epoch)
    node.setChild(high, highChild)
    node.setChild(low, lowChild)
    if high - low > 1 { node.remove(low + 1..<high) }
    let highIndex = high == low ? low : low + 1
    if highIndex != low, highChild == .none { node.remove(highIndex..<highIndex + 1) }
    if lowChild == .none { node.remove(low..<low + 1) }
    if node.count == 0 {
      discard(node.reference)
      return .none
    }
    try mergeIfSmall(min(low, node.count - 1), of: node, epoch)
    return node.reference
  }

  /// Joins a child that has become small with a neighbour, where both fit into one node with room to spare.
  private func mergeIfSmall(_ index: Int, of parent: Node, _ epoch: UInt64) throws(TreeError) {
    let capacity = Node.size - Node.headerSize
    guard parent.count > 1, try child(index, of: parent).used < capacity / 4 else { return }
    let left = index > 0 ? index - 1 : index
    guard try child(left, of: parent).used + child(left + 1, of: parent).used < capacity * 3 / 4 else { return }
    let target = try writable(parent.child(left), epoch)
    let source = try node(parent.child(left + 1))
    for position in 0..<source.count {
      target.insert(source.key(position), source.value(position), at: target.count)
    }
    parent.setChild(left, target.reference)
    parent.remove(left + 1..<left + 2)
    if source.epoch == epoch { discard(source.reference) }
  }
}
