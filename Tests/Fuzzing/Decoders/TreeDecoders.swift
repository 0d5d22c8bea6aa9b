import SystemIO

@testable import Tree

/// The nodes of trees. What is accepted is searched and changed as well.
extension Decoder {
  func acceptsNode(_ bytes: [UInt8]) -> Bool {
    guard bytes.count <= Node.size else { return false }
    let page = UnsafeMutableRawBufferPointer.allocate(byteCount: Node.size, alignment: 8)
    defer { page.deallocate() }
    page.initializeMemory(as: UInt8.self, repeating: 0)
    page.copyBytes(from: bytes)
    let node = Node(page.baseAddress!)
    return succeeds {
      try node.expand(length: bytes.count, expecting: node.reference)
      let keys = (0..<node.count).map(node.key)
      for (index, key) in keys.enumerated() {
        precondition(node.lowerBound(key) == index, "a key is not found where it stands")
        if !node.isLeaf { _ = node.child(node.childIndex(key)) }
        _ = [UInt8](node.value(index))
      }
      precondition(node.image().count == bytes.count, "the image has another length")
      change(node)
    }
  }

  private func change(_ node: Node) {
    let value = [UInt8](repeating: 1, count: 8)
    while node.hasRoom(for: value.count) {
      value.withUnsafeBytes { node.insert(.last, $0, at: node.count) }
    }
    for index in (0..<node.count).reversed() where index % 2 == 0 { node.remove(index..<index + 1) }
  }

  /// Up to eight images of nodes, each with its length before it, which are numbered from 0: a tree whose root is the first.
  func acceptsTree(_ bytes: [UInt8]) -> Bool {
    let pool = NodePool(GivenNodes(bytes), generation: 2, cleanCapacity: 64)
    let key = TreeKey(bytes.number(at: 2), bytes.number(at: 10))
    return succeeds {
      var tree = Tree(root: NodeReference(generation: 1, slot: 0), epoch: 9)
      try pool.reading { () throws(TreeError) in
        _ = try pool.find(key, in: tree)
        _ = try pool.floor(key, in: tree)
        var visits = 0
        try pool.scan(from: .first, through: .last, in: tree) { _, _ in
          visits += 1
          return visits < 10_000
        }
      }
      var entered: Set<NodeReference> = []
      try pool.walk(tree, enter: { entered.insert($0).inserted }, visit: { _ in })
      try pool.writing { () throws(TreeError) in
        try [UInt8](repeating: 1, count: Tree.maximumValueLength).withUnsafeBytesTyped { (value) throws(TreeError) in
          for item in 0..<8 { try pool.put(TreeKey(key.object, UInt64(item)), value, in: &tree) }
        }
        try pool.remove(key, in: &tree)
        try pool.removeRange(from: TreeKey(0, 5), through: TreeKey(key.object, key.item), in: &tree)
        try pool.removeRange(from: .first, through: .last, in: &tree)
      }
    }
  }
}

/// A tree without nodes on the disk.
final class NoNodes: NodeSource {
  func readNode(
    _ reference: NodeReference, into page: UnsafeMutableRawBufferPointer, mayBlock: Bool
  ) throws(TreeError) -> Int {
    throw .damaged("node \(reference) is not there")
  }
}

extension NodePool {
  convenience init(_ source: NoNodes) { self.init(source, generation: 1, cleanCapacity: 64) }
}

/// Nodes cut out of an input, each with the right reference.
private final class GivenNodes: NodeSource {
  private let images: [[UInt8]]

  init(_ bytes: [UInt8]) {
    var images: [[UInt8]] = []
    var offset = 0
    while offset + 2 <= bytes.count, images.count < 8 {
      let start = offset + 2
      let end = min(bytes.count, start + Int(bytes.number(at: offset, as: UInt16.self)))
      images.append(Array(bytes[start..<end].prefix(Node.size)))
      offset = end
    }
    self.images = images
  }

  func readNode(
    _ reference: NodeReference, into page: UnsafeMutableRawBufferPointer, mayBlock: Bool
  ) throws(TreeError) -> Int {
    guard reference.generation == 1, Int(reference.slot) < images.count else {
      throw .damaged("node \(reference) is not there")
    }
    page.copyBytes(from: images[Int(reference.slot)])
    Node(page.baseAddress!).reference = reference
    return images[Int(reference.slot)].count
  }
}
