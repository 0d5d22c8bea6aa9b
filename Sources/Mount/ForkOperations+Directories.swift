import FUSE
import FileSystem
import SystemIO

extension ForkOperations {
  func readdir(_ request: consuming Request<Listing>, node: NodeID, after cookie: UInt64, room: Int) {
    answer(request) { (files) throws(Errno) in
      var listing = Listing(room: room)
      try files.readdir(node, after: cookie) { entry in
        listing.add(entry.name, node: entry.inode, mode: entry.type, cookie: entry.cookie)
      }
      return listing
    }
  }

  func readdirplus(_ request: consuming Request<Listing>, node: NodeID, after cookie: UInt64, room: Int) {
    answer(request) { (files) throws(Errno) in
      var listing = Listing(room: room)
      for (entry, attributes) in try self.entries(of: node, after: cookie, room: room, files) {
        let isLookup = !entry.isDot
        if isLookup { files.retain(entry.inode) }
        if listing.add(entry.name, NodeAttributes(attributes), isLookup: isLookup, cookie: entry.cookie) { continue }
        if isLookup { self.release(entry.inode) }
        break
      }
      return listing
    }
  }

  /// The entries that fit, at least, with their attributes. Those are read after the directory was: reading them while it is
  /// read would take the file system's lock twice. An entry that went in between is left out.
  private func entries(
    of node: NodeID, after cookie: UInt64, room: Int, _ files: FileSystem
  ) throws(Errno) -> [(DirectoryEntry, Attributes)] {
    var entries: [DirectoryEntry] = []
    var rest = room
    try files.readdir(node, after: cookie) { entry in
      entries.append(entry)
      rest -= Listing.sizeWithAttributes(of: entry.name)
      return rest > 0
    }
    var found: [(DirectoryEntry, Attributes)] = []
    for entry in entries {
      do {
        found.append((entry, try files.getattr(entry.inode)))
      } catch {
        if error != .stale { throw error }
      }
    }
    return found
  }
}

extension DirectoryEntry {
  fileprivate var isDot: Bool { name == [UInt8(ascii: ".")] || name == [UInt8(ascii: "."), UInt8(ascii: ".")] }
}
