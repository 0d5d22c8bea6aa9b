/// Insertion. It runs inside `writing`.
extension NodePool {
  /// Sets the value of a key. On the way down each full inner node is split before it is entered, so a split never has to go back up.
  public func put(_ key: TreeKey, _ value: UnsafeRawBufferPointer, in tree: inout Tree) throws(TreeError) {
    precondition(value.count <= Tree.maximumValueLength, "the value is too long for a node")
    var node = try writableRoot(&tree)
    var parent: (node: Node, index: Int)?
    while true {
      if !node.canTake(key, valueCount: value.count) {
        let above = parent ?? growRoot(&tree, over: node, for: key)
        node = split(node, at: above.index, of: above.node, for: key)
      }
      if node.isLeaf { return node.set(key, value) }
      let index = node.childIndex(key)
      if key < node.key(index) { node.lowerKey(index, to: key) }
      let child = try writable(try self.child(index, of: node).reference, tree.epoch)
      node.setChild(index, child.reference)
      parent = (node, index)
      node = child
    }
  }

  private func writableRoot(_ tree: inout Tree) throws(TreeError) -> Node {
    let root = tree.root == .none ? makeNode(level: 0, epoch: tree.epoch) : try writable(tree.root, tree.epoch)
    tree.root = root.reference
    return root
  }

  /// The node itself where `epoch` owns it, a copy that it owns otherwise.
  func writable(_ reference: NodeReference, _ epoch: UInt64) throws(TreeError) -> Node {
    let node = try node(reference)
    return node.epoch == epoch ? node : copy(node, epoch: epoch)
  }

  /// Puts a root above one that is full. Its first key may be no more than `key`, which may become the least.
  private func growRoot(_ tree: inout Tree, over child: Node, for key: TreeKey) -> (node: Node, index: Int) {
    let root = makeNode(level: child.level + 1, epoch: tree.epoch)
    root.insertChild(min(child.key(0), key), child.reference, at: 0)
    tree.root = root.reference
    return (root, 0)
  }

  /// Splits a node and returns the half that `key` belongs to. The parent has room.
  private func split(_ node: Node, at index: Int, of parent: Node, for key: TreeKey) -> Node {
    let sibling = makeNode(level: node.level, epoch: node.epoch)
    let splitIndex = node.splitIndex(for: key)
    let separator = splitIndex == node.count ? key : node.key(splitIndex)
    node.move(from: splitIndex, to: sibling)
    parent.insertChild(separator, sibling.reference, at: index + 1)
    return key < separator ? node : sibling
  }
}

extension Node {
  /// Whether an entry fits: into a leaf the one with `key`, into an inner node one more child.
  fileprivate func canTake(_ key: TreeKey, valueCount: Int) -> Bool {
    guard isLeaf else { return hasRoomForChild }
    if hasRoom(for: valueCount) { return true }
    let index = lowerBound(key)
    return index < count && self.key(index) == key && free + value(index).count >= valueCount
  }

  fileprivate func set(_ key: TreeKey, _ value: UnsafeRawBufferPointer) {
    let index = lowerBound(key)
    guard index < count, self.key(index) == key else { return insert(key, value, at: index) }
    if self.value(index).count == value.count { return overwrite(index, value) }
    remove(index..<index + 1)
    insert(key, value, at: index)
  }

  /// Where to split so that both halves have about the same bytes. Where keys come in rising order the left half keeps all it has.
  fileprivate func splitIndex(for key: TreeKey) -> Int {
    let last = count - 1
    if self.key(last) < key { return isLeaf ? count : last }
    var bytes = 0
    let half = used / 2
    for index in 0..<last {
      bytes += Node.slotOverhead + value(index).count
      if bytes >= half { return index + 1 }
    }
    return last
  }
}
