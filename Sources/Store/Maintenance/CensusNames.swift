/// The paths of inodes, from the names that a census found. A name counts where either its directory or its inode tells it, so a path is known
/// also where one of the two is out of reach.
struct CensusNames {
  private var names: [InodeNumber: [Census.Name]] = [:]
  private static let deepest = 4096

  init(_ found: Set<Census.Name>) {
    for name in found { names[name.inode, default: []].append(name) }
    for inode in names.keys {
      names[inode]!.sort { left, right in
        left.parent == right.parent ? left.name.lexicographicallyPrecedes(right.name) : left.parent < right.parent
      }
    }
  }

  /// All paths of an inode, relative to the root, which itself is "."; none where its way to the root is not known.
  func paths(of inode: InodeNumber) -> [[UInt8]] {
    if inode == 1 { return [[UInt8(ascii: ".")]] }
    return (names[inode] ?? []).compactMap { name in
      directory(name.parent, depth: 0).map { $0 + name.name }
    }
  }

  /// The paths of all inodes in a range, in the order of the inodes.
  func paths(of inodes: ClosedRange<InodeNumber>) -> [[UInt8]] {
    let root = inodes.contains(1) ? paths(of: 1) : []
    return root + names.keys.filter { $0 != 1 && inodes.contains($0) }.sorted().flatMap { paths(of: $0) }
  }

  /// What stands before the names in a directory; only a damaged tree has a circle.
  private func directory(_ inode: InodeNumber, depth: Int) -> [UInt8]? {
    if inode == 1 { return [] }
    guard depth < Self.deepest, let name = names[inode]?.first else { return nil }
    return directory(name.parent, depth: depth + 1).map { $0 + name.name + [UInt8(ascii: "/")] }
  }
}
