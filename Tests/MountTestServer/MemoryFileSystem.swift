import FUSE
import Glibc
import Synchronization
import SystemIO

/// A small file system in memory, with a few files that behave badly on purpose.
final class MemoryFileSystem: Operations {
  struct Node {
    var mode: UInt32
    var links: UInt32 = 1
    var lookups: UInt64 = 0
    var content: [UInt8] = []
    var names: [[UInt8]: NodeID] = [:]
    var attributes: [[UInt8]: [UInt8]] = [:]
  }

  struct State {
    var nodes: [NodeID: Node] = [rootNode: Node(mode: S_IFDIR | 0o777, links: 2)]
    var next: NodeID = 2
  }

  let state = Mutex(State())
  /// Writes to a file called "held" wait for this to become true.
  let gate = Monitor(false)
  let heldWrites = Monitor(0)
  /// How many nodes without a name the kernel has forgotten.
  let removed = Monitor(0)
  let attributeQuestions = Atomic(0)

  func attributes(_ id: NodeID, _ node: Node) -> NodeAttributes {
    NodeAttributes(
      node: id, mode: node.mode, links: node.links, user: 0, group: 0, device: 0,
      size: UInt64(node.content.count), blocks: UInt64(node.content.count + 511) / 512,
      accessed: NodeTime(), modified: NodeTime(), changed: NodeTime())
  }

  func node<Result>(_ id: NodeID, _ body: (inout Node) throws(Errno) -> Result) throws(Errno) -> Result {
    try state.withLock { state throws(Errno) in
      guard state.nodes[id] != nil else { throw .stale }
      return try body(&state.nodes[id]!)
    }
  }

  func add(_ name: [UInt8]?, in parent: NodeID, mode: UInt32, content: [UInt8] = []) throws(Errno) -> NodeAttributes {
    try state.withLock { state throws(Errno) in
      let id = state.next
      if let name {
        guard state.nodes[parent]?.names[name] == nil else { throw .exists }
        state.nodes[parent]?.names[name] = id
      }
      state.next += 1
      state.nodes[id] = Node(mode: mode, links: name == nil ? 0 : 1, lookups: 1, content: content)
      return attributes(id, state.nodes[id]!)
    }
  }

  func remove(_ name: [UInt8], in parent: NodeID) throws(Errno) {
    try state.withLock { state throws(Errno) in
      guard let id = state.nodes[parent]?.names.removeValue(forKey: name) else { throw .noSuchFile }
      state.nodes[id]?.links -= 1
    }
  }

  /// The path of a node in the root directory.
  func path(of id: NodeID) -> [UInt8]? {
    state.withLock { state in state.nodes[rootNode]?.names.first { $0.value == id }?.key }
  }

  func lookup(_ request: consuming Request<Entry>, name: [UInt8], in parent: NodeID) {
    // Neither answered nor kept: the kernel must get EIO.
    if name == Array("dropped".utf8) { return }
    let entry = state.withLock { state -> Entry in
      guard let id = state.nodes[parent]?.names[name] else { return .absent }
      state.nodes[id]!.lookups += 1
      return .node(attributes(id, state.nodes[id]!))
    }
    request.reply(entry)
  }

  func forget(_ id: NodeID, count: UInt64, in session: Session) {
    let isRemoved = state.withLock { state in
      guard let node = state.nodes[id] else { return false }
      state.nodes[id]?.lookups -= count
      guard node.lookups == count, node.links == 0 else { return false }
      state.nodes[id] = nil
      return true
    }
    if isRemoved { removed.notifyAll { $0 += 1 } }
  }

  func getattr(_ request: consuming Request<NodeAttributes>, node id: NodeID) {
    request.reply { () throws(Errno) in try node(id) { attributes(id, $0) } }
  }

  func setattr(_ request: consuming Request<NodeAttributes>, node id: NodeID, changes: AttributeChanges) {
    request.reply { () throws(Errno) in
      try node(id) { node in
        if let mode = changes.mode { node.mode = node.mode & S_IFMT | mode & ~S_IFMT }
        if let size = changes.size { node.resize(to: Int(size)) }
        if changes.clearsPrivileges { node.mode &= ~0o6000 }
        return attributes(id, node)
      }
    }
  }

  func mknod(_ request: consuming Request<Entry>, name: [UInt8], in parent: NodeID, mode: UInt32, device: UInt32) {
    request.reply { () throws(Errno) in .node(try add(name, in: parent, mode: mode)) }
  }

  func mkdir(_ request: consuming Request<Entry>, name: [UInt8], in parent: NodeID, mode: UInt32) {
    request.reply { () throws(Errno) in .node(try add(name, in: parent, mode: S_IFDIR | mode)) }
  }

  func symlink(_ request: consuming Request<Entry>, name: [UInt8], in parent: NodeID, target: [UInt8]) {
    request.reply { () throws(Errno) in .node(try add(name, in: parent, mode: S_IFLNK | 0o777, content: target)) }
  }

  func readlink(_ request: consuming Request<Bytes>, node id: NodeID) {
    request.reply { () throws(Errno) in try node(id) { Bytes($0.content) } }
  }

  func unlink(_ request: consuming Request<Done>, name: [UInt8], in parent: NodeID) {
    request.reply { () throws(Errno) in
      try remove(name, in: parent)
      return Done()
    }
  }

  func rmdir(_ request: consuming Request<Done>, name: [UInt8], in parent: NodeID) {
    unlink(request, name: name, in: parent)
  }

  func create(
    _ request: consuming Request<CreatedFile>, name: [UInt8], in parent: NodeID, mode: UInt32, flags: Int32
  ) {
    request.reply { () throws(Errno) in CreatedFile(try add(name, in: parent, mode: mode)) }
  }

  func tmpfile(_ request: consuming Request<CreatedFile>, in parent: NodeID, mode: UInt32, flags: Int32) {
    request.reply { () throws(Errno) in CreatedFile(try add(nil, in: parent, mode: mode)) }
  }

  func fsync(_ request: consuming Request<Done>, node: NodeID, dataOnly: Bool, file: FileReference) {
    request.reply(Done())
  }

  func statfs(_ request: consuming Request<Statistics>, node: NodeID) {
    request.reply(Statistics(blocks: 1 << 20, freeBlocks: 1 << 19, availableBlocks: 1 << 19, files: 4711, freeFiles: 1))
  }
}

extension MemoryFileSystem.Node {
  mutating func resize(to size: Int) {
    if size < content.count { content.removeLast(content.count - size) }
    if size > content.count { content += [UInt8](repeating: 0, count: size - content.count) }
  }
}
