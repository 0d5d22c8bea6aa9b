import FUSE
import FileSystem
import SystemIO

extension ForkOperations {
  func readdir(_ request: consuming Request<Listing>, node: NodeID, after cookie: UInt64, room: Int) {
    var listing = Listing(room: room)
    do {
      try fileSystem.readdir(node, after: cookie) { entry in
        listing.add(entry.name, node: entry.inode, mode: entry.type, cookie: entry.cookie)
      }
      request.reply(listing)
    } catch {
      request.fail(error)
    }
  }

  func readdirplus(_ request: consuming Request<Listing>, node: NodeID, after cookie: UInt64, room: Int) {
    var listing = Listing(room: room)
    do {
      for entry in try entries(of: node, after: cookie, room: room) {
        guard let attributes = try? fileSystem.getattr(entry.inode) else { continue }
        let isLookup = !entry.isDot
        if isLookup { fileSystem.retain(entry.inode) }
        if listing.add(entry.name, NodeAttributes(attributes), isLookup: isLookup, cookie: entry.cookie) { continue }
        if isLookup { release(entry.inode) }
        break
      }
      request.reply(listing)
    } catch {
      request.fail(error)
    }
  }

  /// The entries that fit, at least. Their attributes are read after the directory was: reading them while it is read
  /// would take the file system's lock twice.
  private func entries(of node: NodeID, after cookie: UInt64, room: Int) throws(Errno) -> [DirectoryEntry] {
    var entries: [DirectoryEntry] = []
    var rest = room
    try fileSystem.readdir(node, after: cookie) { entry in
      entries.append(entry)
      rest -= Listing.sizeWithAttributes(of: entry.name)
      return rest > 0
    }
    return entries
  }
}

extension DirectoryEntry {
  fileprivate var isDot: Bool { name == [UInt8(ascii: ".")] || name == [UInt8(ascii: "."), UInt8(ascii: ".")] }
}
