import SystemIO
import Tree

/// Finds the paths of inodes in one tree, through the references from each inode to its names.
struct PathFinder {
  let pool: NodePool
  let tree: Tree
  private var known: [InodeNumber: [UInt8]] = [1: []]

  init(_ pool: NodePool, _ tree: Tree) {
    self.pool = pool
    self.tree = tree
  }

  /// A path of an inode, relative to the root, which itself is "."; nil where it has no name.
  mutating func path(of inode: InodeNumber) throws(TreeError) -> [UInt8]? {
    if inode == 1 { return [UInt8(ascii: ".")] }
    return try absolutePath(of: inode, depth: 0)
  }

  /// The path of a name in a directory; nil where the directory has no name itself.
  mutating func path(of name: BackReferenceItem) throws(TreeError) -> [UInt8]? {
    try path(of: name, depth: 0)
  }

  private mutating func absolutePath(of inode: InodeNumber, depth: Int) throws(TreeError) -> [UInt8]? {
    if let path = known[inode] { return path }
    guard let name = try names(of: inode).first, let path = try path(of: name, depth: depth) else { return nil }
    known[inode] = path
    return path
  }

  private mutating func path(of name: BackReferenceItem, depth: Int) throws(TreeError) -> [UInt8]? {
    // Only a damaged tree has a circle.
    guard depth < 4096 else { throw .damaged("the directory \(name.parent) is inside itself") }
    guard let parent = try absolutePath(of: name.parent, depth: depth + 1) else { return nil }
    return parent.isEmpty ? name.name : parent + [UInt8(ascii: "/")] + name.name
  }

  /// The names of an inode, in the order of their keys.
  func names(of inode: InodeNumber) throws(TreeError) -> [BackReferenceItem] {
    try pool.reading { () throws(TreeError) in
      var names: [BackReferenceItem] = []
      let range = TreeKey.range(of: inode, .backReference)
      try pool.scan(from: range.lowerBound, through: range.upperBound, in: tree) { (key, value) throws(TreeError) in
        names.append(try decoding(key) { () throws(DecodingFailure) in try BackReferenceItem(decoding: value) })
        return true
      }
      return names
    }
  }

  func inode(_ number: InodeNumber) throws(TreeError) -> InodeItem? {
    try pool.reading { () throws(TreeError) in try TreeReader(pool: pool, tree: tree).inode(number) }
  }
}
