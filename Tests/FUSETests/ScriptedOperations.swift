import FUSE
import Glibc
import Synchronization
import SystemIO

/// Operations that answer as the name, or the node, of a request tells them to, and note what they were asked.
final class ScriptedOperations: Operations {
  /// Opens for detached work.
  let gate = Monitor(false)
  let parked = Mutex<ParkedRequest<Done>?>(nil)
  let notes = Mutex<[String]>([])

  static let attributes = NodeAttributes(
    node: 7, mode: S_IFREG | 0o640, links: 3, user: 1000, group: 100, device: 0, size: 12345, blocks: 32,
    accessed: NodeTime(seconds: 1, nanoseconds: 2), modified: NodeTime(seconds: 3, nanoseconds: 4),
    changed: NodeTime(seconds: -5, nanoseconds: 6))

  /// Writes to these nodes wait for the gate.
  static let ordered: NodeID = 20
  static let unordered: NodeID = 21

  func note(_ text: String) { notes.withLock { $0.append(text) } }

  func lookup(_ request: consuming Request<Entry>, name: [UInt8], in parent: NodeID) {
    switch name {
    case Array("there".utf8): request.reply(.node(Self.attributes))
    case Array("absent".utf8): request.reply(.absent)
    case Array("forbidden".utf8): request.fail(.accessDenied)
    case Array("caller".utf8):
      let caller = request.caller
      note("\(caller.user) \(caller.group) \(caller.process)")
      request.fail(.noSuchFile)
    default: break  // dropped
    }
  }

  func forget(_ node: NodeID, count: UInt64, in session: Session) { note("forget \(node) \(count)") }

  func statx(_ request: consuming Request<ExtendedStatus>, node: NodeID) {
    request.reply(ExtendedStatus(Self.attributes, born: NodeTime(seconds: -7, nanoseconds: 8)))
  }

  func setattr(_ request: consuming Request<NodeAttributes>, node: NodeID, changes: AttributeChanges) {
    note("setattr \(changes)")
    request.reply(Self.attributes)
  }

  func create(
    _ request: consuming Request<CreatedFile>, name: [UInt8], in parent: NodeID, mode: UInt32, flags: Int32
  ) {
    note("create")
    request.reply(CreatedFile(Self.attributes))
  }

  func tmpfile(_ request: consuming Request<CreatedFile>, in parent: NodeID, mode: UInt32, flags: Int32) {
    note("tmpfile \(mode)")
    request.reply(CreatedFile(Self.attributes))
  }

  func fsync(_ request: consuming Request<Done>, node: NodeID, dataOnly: Bool, file: FileReference) {
    let request = request.park()
    parked.withLock { $0 = request }
  }

  func read(_ request: consuming Request<Bytes>, node: NodeID, at offset: UInt64, count: Int, file: FileReference) {
    request.reply(upTo: count) { (memory, mayBlock) throws(Errno) in
      guard mayBlock else { throw .wouldBlock }
      memory.copyBytes(from: "read where it may block".utf8)
      return 23
    }
  }

  func write(
    _ request: consuming Request<Count>, node: NodeID, at offset: UInt64, bytes: UnsafeRawBufferPointer,
    options: WriteOptions, file: FileReference
  ) {
    guard [Self.ordered, Self.unordered].contains(node) else {
      note("write \(offset) \(bytes.count) \(options.rawValue)")
      request.reply(Count(bytes.count))
      return
    }
    request.detached(isOrdered: node == Self.ordered) { request in
      _ = self.gate.wait { $0 ? true : nil }
      self.note("write \(String(decoding: bytes, as: UTF8.self))")
      request.reply(Count(bytes.count))
    }
  }

  func readdir(_ request: consuming Request<Listing>, node: NodeID, after cookie: UInt64, room: Int) {
    var listing = Listing(room: room)
    for index in (cookie + 1)... {
      let name = [UInt8](repeating: UInt8(ascii: "n"), count: Int(index))
      guard listing.add(name, node: index, mode: S_IFREG, cookie: index) else { break }
    }
    note("listed \(listing.count)")
    request.reply(listing)
  }

  func statfs(_ request: consuming Request<Statistics>, node: NodeID) {
    request.reply(Statistics(blocks: 1, freeBlocks: 2, availableBlocks: 3, files: 4, freeFiles: 5))
  }

  func setxattr(
    _ request: consuming Request<Done>, node: NodeID, name: [UInt8], value: [UInt8], options: SetAttributeOptions
  ) {
    note("\(String(decoding: name, as: UTF8.self)) \(value) \(options.flags) \(options.clearsSetGroupID)")
    request.reply(Done())
  }

  func getxattr(_ request: consuming Request<ExtendedAttribute>, node: NodeID, name: [UInt8], room: Int) {
    request.reply(ExtendedAttribute([1, 2, 3], room: room))
  }

  func listxattr(_ request: consuming Request<ExtendedAttribute>, node: NodeID, room: Int) {
    request.reply(ExtendedAttribute(names: [Array("user.a".utf8), Array("user.b".utf8)], room: room))
  }
}
