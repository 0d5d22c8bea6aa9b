/// One node during a walk; valid while the callback it was given to runs.
public struct NodeView {
  let node: Node

  public var reference: NodeReference { node.reference }
  public var isLeaf: Bool { node.isLeaf }
  public var count: Int { node.count }
  public func key(_ index: Int) -> TreeKey { node.key(index) }
  /// In a leaf the value of an entry.
  public func value(_ index: Int) -> UnsafeRawBufferPointer { node.value(index) }
  /// The bytes that stand for the node on the disk.
  public func image() -> [UInt8] { node.image() }
}

/// A node that a walk could not enter, and where in the tree it stands: what stood below it is out of reach.
public struct UnreadableNode: Sendable {
  public let reference: NodeReference
  /// No key below it is less; nil where it is the first of its level.
  public let low: TreeKey?
  /// All keys below it are less; nil where it is the last of its level.
  public let high: TreeKey?
  public let error: TreeError
}

extension NodePool {
  /// Visits a node and everything below it, parents first, each node as the tree reaches it (a shared one more than once unless `enter`
  /// says no to it). It checks what must hold between a parent and its children. The tree must not change meanwhile.
  ///
  /// - Parameter enter: whether to go into a subtree.
  public func walk(
    _ tree: Tree, enter: (NodeReference) -> Bool, visit: (NodeView) throws(TreeError) -> Void
  ) throws(TreeError) {
    try walk(tree, enter: enter, unreadable: { (node) throws(TreeError) in throw node.error }, visit: visit)
  }

  /// The same, which goes on behind nodes that are damaged or that the disk refuses to read.
  ///
  /// - Parameter unreadable: is told of each such node.
  public func walk<Failure: Error>(
    _ tree: Tree, enter: (NodeReference) -> Bool, unreadable: (UnreadableNode) throws(Failure) -> Void,
    visit: (NodeView) throws(Failure) -> Void
  ) throws(Failure) {
    guard tree.root != .none, enter(tree.root) else { return }
    try walk(tree.root, Bounds(low: nil, high: nil, level: nil), enter, unreadable, visit)
  }

  private struct Bounds {
    /// No key is less.
    var low: TreeKey?
    /// All keys are less.
    var high: TreeKey?
    var level: Int?
    /// The generation of its parent, which it is not younger than.
    var youngest = UInt32.max
  }

  private func walk<Failure: Error>(
    _ reference: NodeReference, _ bounds: Bounds, _ enter: (NodeReference) -> Bool,
    _ unreadable: (UnreadableNode) throws(Failure) -> Void, _ visit: (NodeView) throws(Failure) -> Void
  ) throws(Failure) {
    let page = Page()
    let node = Node(page.bytes)
    do throws(TreeError) {
      guard reference.generation <= bounds.youngest else {
        throw .damaged("node \(reference) is younger than its parent")
      }
      try copyNode(reference, into: page.bytes)
      try verify(node, bounds)
    } catch {
      try unreadable(UnreadableNode(reference: reference, low: bounds.low, high: bounds.high, error: error))
      return
    }
    try visit(NodeView(node: node))
    guard !node.isLeaf else { return }
    for index in 0..<node.count {
      let child = node.child(index)
      guard enter(child) else { continue }
      let next = Bounds(
        low: node.key(index), high: index + 1 < node.count ? node.key(index + 1) : bounds.high,
        level: node.level - 1, youngest: reference.generation)
      try walk(child, next, enter, unreadable, visit)
    }
  }

  private func verify(_ node: Node, _ bounds: Bounds) throws(TreeError) {
    if let level = bounds.level, node.level != level {
      throw .damaged("node \(node.reference) is at level \(node.level), not \(level)")
    }
    guard node.count > 0 else { throw .damaged("node \(node.reference) is empty") }
    if let high = bounds.high, node.key(node.count - 1) >= high {
      throw .damaged("node \(node.reference) holds a key that belongs to its right neighbour")
    }
    if let low = bounds.low, node.key(0) < low {
      throw .damaged("node \(node.reference) holds a key that belongs to its left neighbour")
    }
  }
}
