public import Store
public import SystemIO
import Tree

extension FileSystem {
  /// A path of an inode, relative to the root and without a leading slash; nil where it has no name. The root's is ".".
  public func path(of inode: InodeNumber) throws(Errno) -> [UInt8]? {
    try reading { (tree) throws(TreeError) in
      var path: [UInt8] = []
      var current = inode
      while current != Self.rootInode {
        guard let name = try tree.firstName(of: current) else { return nil }
        path = path.isEmpty ? name.name : name.name + [UInt8(ascii: "/")] + path
        current = name.parent
      }
      return path.isEmpty ? [UInt8(ascii: ".")] : path
    }
  }
}

extension TreeReader {
  /// The first of an inode's names; nil where it has none.
  fileprivate func firstName(of inode: InodeNumber) throws(TreeError) -> BackReferenceItem? {
    var found: BackReferenceItem?
    try scan(TreeKey.range(of: inode, .backReference)) { (key, value) throws(TreeError) in
      do throws(DecodingFailure) { found = try BackReferenceItem(decoding: value) } catch {
        throw .damaged("entry \(key): \(error)")
      }
      return false
    }
    return found
  }
}
