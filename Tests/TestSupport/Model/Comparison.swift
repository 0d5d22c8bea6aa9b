public import FileSystem
import Store
import SystemIO

extension ModelFileSystem {
  /// Throws where a file system does not hold exactly what this one does: names, attributes, content, holes.
  public func compare(with files: FileSystem) throws {
    var seen: Set<UInt64> = []
    try compare(Self.root, parent: Self.root, files, &seen)
    let named = Set(nodes.filter { $0.value.links > 0 }.keys)
    guard seen == named else { throw Mismatch("reachable are \(seen.count) inodes, not \(named.count)") }
    for inode in nodes.keys where !named.contains(inode) { try compareNode(inode, files) }
  }

  private func compare(_ inode: UInt64, parent: UInt64, _ files: FileSystem, _ seen: inout Set<UInt64>) throws {
    guard seen.insert(inode).inserted else { return }
    try compareNode(inode, files)
    guard self[inode].isDirectory else { return }
    var entries: [[UInt8]: UInt64] = [:]
    var failure: String?
    try files.readdir(inode, after: 0) { entry in
      if entries.updateValue(entry.inode, forKey: entry.name) != nil { failure = "it lists \(entry.name) twice" }
      return true
    }
    if let failure { throw Mismatch("directory \(inode): \(failure)") }
    let (dot, dotDot) = (entries.removeValue(forKey: [0x2e]), entries.removeValue(forKey: [0x2e, 0x2e]))
    guard dot == inode, dotDot == parent else {
      throw Mismatch("directory \(inode): . is \(dot as Any), .. is \(dotDot as Any)")
    }
    guard entries == self[inode].entries else {
      throw Mismatch("directory \(inode) has \(entries), not \(self[inode].entries)")
    }
    for (name, child) in entries {
      guard try files.lookup(inode, name).inode == child else { throw Mismatch("\(name) in \(inode) is another inode") }
      try compare(child, parent: inode, files, &seen)
    }
  }

  private func compareNode(_ inode: UInt64, _ files: FileSystem) throws {
    let node = self[inode]
    let found = try files.getattr(inode)
    let size = node.isDirectory ? 4096 : node.size
    let expected = (node.mode, node.links, size, UInt64(node.storedPages) * 8)
    guard (found.mode, found.links, found.size, found.blocks) == expected else {
      throw Mismatch("inode \(inode) is \(found), not mode, links, size, blocks \(expected)")
    }
    if case .link(let target) = node.content {
      guard try files.readlink(inode) == target else { throw Mismatch("link \(inode) has another target") }
    }
    for (page, bytes) in node.pages {
      let offset = page * Self.pageSize
      let expected = Array(bytes.prefix(Int(min(node.size - offset, Self.pageSize))))
      guard try files.bytes(of: inode, at: offset, count: bytes.count) == expected else {
        throw Mismatch("inode \(inode): page \(page) has other bytes")
      }
    }
    let names = try files.listxattr(inode)
    guard Set(names) == Set(node.attributes.keys), names.count == node.attributes.count else {
      throw Mismatch("inode \(inode) has the attributes \(names)")
    }
    for (name, value) in node.attributes where try files.getxattr(inode, name) != value {
      throw Mismatch("inode \(inode): attribute \(name) has another value")
    }
  }
}
