public import SystemIO

extension ModelFileSystem {
  private func entry(_ name: [UInt8], in parent: UInt64) throws(Errno) -> UInt64 {
    guard let inode = self[parent].entries[name] else { throw .noSuchFile }
    return inode
  }

  private func requireFree(_ name: [UInt8], in parent: UInt64) throws(Errno) {
    if self[parent].entries[name] != nil { throw .exists }
  }

  public mutating func make(_ inode: UInt64, _ parent: UInt64, _ name: [UInt8], _ node: Node) throws(Errno) {
    try requireFree(name, in: parent)
    self[inode] = node
    self[parent].entries[name] = inode
    if node.isDirectory { self[parent].links += 1 }
  }

  public mutating func link(_ inode: UInt64, _ parent: UInt64, _ name: [UInt8]) throws(Errno) {
    guard !self[inode].isDirectory else { throw .notPermitted }
    try requireFree(name, in: parent)
    self[parent].entries[name] = inode
    self[inode].links += 1
  }

  public mutating func unlink(_ parent: UInt64, _ name: [UInt8]) throws(Errno) {
    let inode = try entry(name, in: parent)
    guard !self[inode].isDirectory else { throw .isDirectory }
    self[parent].entries[name] = nil
    dropLink(inode)
  }

  public mutating func rmdir(_ parent: UInt64, _ name: [UInt8]) throws(Errno) {
    let inode = try entry(name, in: parent)
    guard self[inode].isDirectory else { throw .notDirectory }
    guard self[inode].entries.isEmpty else { throw .directoryNotEmpty }
    self[parent].entries[name] = nil
    self[parent].links -= 1
    dropDirectory(inode)
  }

  private mutating func dropLink(_ inode: UInt64) {
    self[inode].links -= 1
    forget(inode)
  }

  private mutating func dropDirectory(_ inode: UInt64) {
    self[inode].links = 0
    forget(inode)
  }

  private mutating func forget(_ inode: UInt64) {
    if self[inode].links == 0, users[inode] == nil { remove(inode) }
  }

  public mutating func retain(_ inode: UInt64) { users[inode, default: 0] += 1 }

  public mutating func release(_ inode: UInt64) {
    users[inode]! -= 1
    if users[inode] == 0 { users[inode] = nil }
    forget(inode)
  }

  /// - Parameters:
  ///   - flags: 1 is RENAME_NOREPLACE, 2 is RENAME_EXCHANGE, 4 is RENAME_WHITEOUT.
  ///   - whiteout: the inode that takes the old name with RENAME_WHITEOUT.
  public mutating func rename(
    _ parent: UInt64, _ name: [UInt8], to newParent: UInt64, _ newName: [UInt8], flags: UInt32, whiteout: UInt64
  ) throws(Errno) {
    guard [0, 1, 2, 4, 5].contains(flags) else { throw .invalidArgument }
    let source = try entry(name, in: parent)
    let target = self[newParent].entries[newName]
    let (sourceIsDirectory, targetIsDirectory) = (
      self[source].isDirectory, target.map { self[$0].isDirectory } ?? false
    )
    if sourceIsDirectory, isInside(newParent, source) { throw .invalidArgument }
    if let target, targetIsDirectory, isInside(parent, target) { throw .directoryNotEmpty }
    if flags & 1 != 0, target != nil { throw .exists }
    if flags == 2, target == nil { throw .noSuchFile }
    if source == target { return }
    if flags == 2, let target {
      self[parent].entries[name] = target
      self[newParent].entries[newName] = source
      if targetIsDirectory { moveLink(from: newParent, to: parent) }
      if sourceIsDirectory { moveLink(from: parent, to: newParent) }
      return
    }
    if let target {
      if sourceIsDirectory, !targetIsDirectory { throw .notDirectory }
      if !sourceIsDirectory, targetIsDirectory { throw .isDirectory }
      if targetIsDirectory {
        guard self[target].entries.isEmpty else { throw .directoryNotEmpty }
        self[newParent].links -= 1
        dropDirectory(target)
      } else {
        dropLink(target)
      }
    }
    self[parent].entries[name] = nil
    self[newParent].entries[newName] = source
    if sourceIsDirectory { moveLink(from: parent, to: newParent) }
    if flags & 4 != 0 { try make(whiteout, parent, name, Node(content: .device, mode: 0o020000, links: 1)) }
  }

  private mutating func moveLink(from old: UInt64, to new: UInt64) {
    self[old].links -= 1
    self[new].links += 1
  }

  /// Whether a directory is `ancestor` or below it.
  private func isInside(_ directory: UInt64, _ ancestor: UInt64) -> Bool {
    if directory == ancestor { return true }
    return self[ancestor].entries.values.contains { nodes[$0]?.isDirectory == true && isInside(directory, $0) }
  }
}
