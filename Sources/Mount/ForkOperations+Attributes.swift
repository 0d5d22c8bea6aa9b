import FUSE
import FileSystem
import SystemIO

extension ForkOperations {
  func getattr(_ request: consuming Request<NodeAttributes>, node: NodeID) {
    request.reply { () throws(Errno) in NodeAttributes(try fileSystem.getattr(node)) }
  }

  func statx(_ request: consuming Request<ExtendedStatus>, node: NodeID) {
    request.reply { () throws(Errno) in
      let attributes = try fileSystem.getattr(node)
      return ExtendedStatus(NodeAttributes(attributes), born: NodeTime(attributes.born))
    }
  }

  func setattr(_ request: consuming Request<NodeAttributes>, node: NodeID, changes: AttributeChanges) {
    if let size = changes.size, mayTakeLong(node, toResizeTo: size) {
      return request.detached(isOrdered: true) { self.change($0, node, changes) }
    }
    change(request, node, changes)
  }

  private func change(_ request: consuming Request<NodeAttributes>, _ node: NodeID, _ changes: AttributeChanges) {
    request.reply { () throws(Errno) in NodeAttributes(try fileSystem.setattr(node, AttributeChange(changes))) }
  }

  /// Cutting a file within a page reads that page; cutting off much takes long.
  private func mayTakeLong(_ node: NodeID, toResizeTo size: UInt64) -> Bool {
    guard let attributes = try? fileSystem.getattr(node), attributes.size > size else { return false }
    return size % 4096 != 0 || attributes.blocks * 512 > Self.detachedRemoval
  }

  func setxattr(
    _ request: consuming Request<Done>, node: NodeID, name: [UInt8], value: [UInt8], options: SetAttributeOptions
  ) {
    request.reply { () throws(Errno) in
      try fileSystem.setxattr(
        node, name, value, flags: options.flags, clearsSetGroup: options.clearsSetGroupID)
      return Done()
    }
  }

  func getxattr(_ request: consuming Request<ExtendedAttribute>, node: NodeID, name: [UInt8], room: Int) {
    request.reply { () throws(Errno) in ExtendedAttribute(try fileSystem.getxattr(node, name), room: room) }
  }

  func listxattr(_ request: consuming Request<ExtendedAttribute>, node: NodeID, room: Int) {
    request.reply { () throws(Errno) in ExtendedAttribute(names: try fileSystem.listxattr(node), room: room) }
  }

  func removexattr(_ request: consuming Request<Done>, node: NodeID, name: [UInt8]) {
    request.reply { () throws(Errno) in
      try fileSystem.removexattr(node, name)
      return Done()
    }
  }
}
