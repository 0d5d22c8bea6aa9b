import FUSE
import Glibc
import Synchronization
import SystemIO

extension MemoryFileSystem {
  func read(_ request: consuming Request<Bytes>, node id: NodeID, at offset: UInt64, count: Int, file: FileReference) {
    request.reply(upTo: count) { (memory, _) throws(Errno) in
      try self.node(id) { node in
        let start = min(Int(offset), node.content.count)
        let end = min(start + memory.count, node.content.count)
        node.content[start..<end].withUnsafeBytes { memory.copyMemory(from: $0) }
        return end - start
      }
    }
  }

  func write(
    _ request: consuming Request<Count>, node id: NodeID, at offset: UInt64, bytes: UnsafeRawBufferPointer,
    options: WriteOptions, file: FileReference
  ) {
    let isHeld = state.withLock { $0.nodes[rootNode]!.names[Array("held".utf8)] == id }
    if isHeld {
      return request.detached(isOrdered: true) { request in
        self.heldWrites.notifyAll { $0 += 1 }
        _ = self.gate.wait { $0 ? true : nil }
        self.store(request, id, offset, bytes, options)
      }
    }
    if bytes.count >= 128 << 10 {
      return request.detached(isOrdered: true) { self.store($0, id, offset, bytes, options) }
    }
    store(request, id, offset, bytes, options)
  }

  private func store(
    _ request: consuming Request<Count>, _ id: NodeID, _ offset: UInt64, _ bytes: UnsafeRawBufferPointer,
    _ options: WriteOptions
  ) {
    request.reply { () throws(Errno) in
      try node(id) { node in
        let start = Int(offset)
        if node.content.count < start + bytes.count { node.resize(to: start + bytes.count) }
        node.content.withUnsafeMutableBytes { $0[start...].copyBytes(from: bytes) }
        if options.contains(.clearsPrivileges) { node.mode &= ~0o6000 }
      }
      return Count(bytes.count)
    }
  }

  func readdir(_ request: consuming Request<Listing>, node id: NodeID, after cookie: UInt64, room: Int) {
    list(request, id, after: cookie, room: room) { listing, name, attributes, cookie in
      listing.add(name, node: attributes.node, mode: attributes.mode, cookie: cookie)
    }
  }

  func readdirplus(_ request: consuming Request<Listing>, node id: NodeID, after cookie: UInt64, room: Int) {
    list(request, id, after: cookie, room: room) { listing, name, attributes, cookie in
      let isLookup = name.first != UInt8(ascii: ".")
      guard listing.add(name, attributes, isLookup: isLookup, cookie: cookie) else { return false }
      if isLookup { self.state.withLock { $0.nodes[attributes.node]?.lookups += 1 } }
      return true
    }
  }

  private func list(
    _ request: consuming Request<Listing>, _ id: NodeID, after cookie: UInt64, room: Int,
    _ add: (inout Listing, [UInt8], NodeAttributes, UInt64) -> Bool
  ) {
    let entries = state.withLock { state -> [([UInt8], NodeAttributes)] in
      let dots = [".", ".."].map { (Array($0.utf8), attributes(id, state.nodes[id]!)) }
      let names = state.nodes[id]!.names.sorted { $0.value < $1.value }
      return dots + names.map { ($0.key, attributes($0.value, state.nodes[$0.value]!)) }
    }
    var listing = Listing(room: room)
    for (index, (name, attributes)) in entries.enumerated().dropFirst(Int(cookie)) {
      guard add(&listing, name, attributes, UInt64(index + 1)) else { break }
    }
    request.reply(listing)
  }

  func setxattr(
    _ request: consuming Request<Done>, node id: NodeID, name: [UInt8], value: [UInt8], options: SetAttributeOptions
  ) {
    request.reply { () throws(Errno) in
      try node(id) { $0.attributes[name] = value }
      return Done()
    }
  }

  func getxattr(_ request: consuming Request<ExtendedAttribute>, node id: NodeID, name: [UInt8], room: Int) {
    attributeQuestions.add(1, ordering: .relaxed)
    request.reply { () throws(Errno) in
      try node(id) { node throws(Errno) in
        guard let value = node.attributes[name] else { throw .noData }
        return ExtendedAttribute(value, room: room)
      }
    }
  }

  func listxattr(_ request: consuming Request<ExtendedAttribute>, node id: NodeID, room: Int) {
    request.reply { () throws(Errno) in
      try node(id) { ExtendedAttribute(names: $0.attributes.keys.sorted { $0.count < $1.count }, room: room) }
    }
  }

  func lseek(_ request: consuming Request<Offset>, node: NodeID, offset: UInt64, whence: Int32) {
    request.reply(Offset(offset))
  }

  func ioctl(_ request: consuming Request<Done>, node: NodeID, command: UInt32) {
    request.fail(Errno(rawValue: ENOTTY))
  }
}
