import FUSE
import FileSystem
import SystemIO

extension ForkOperations {
  func getattr(_ request: consuming Request<NodeAttributes>, node: NodeID) {
    answer(request) { (files) throws(Errno) in NodeAttributes(try files.getattr(node)) }
  }

  func statx(_ request: consuming Request<ExtendedStatus>, node: NodeID) {
    answer(request) { (files) throws(Errno) in
      let attributes = try files.getattr(node)
      return ExtendedStatus(NodeAttributes(attributes), born: NodeTime(attributes.born))
    }
  }

  func setattr(_ request: consuming Request<NodeAttributes>, node: NodeID, changes: AttributeChanges) {
    let caller = request.caller
    let change = { (files: FileSystem) throws(Errno) in
      guard let change = try self.change(changes, of: node, for: caller, files) else {
        // A write that comes next may change the mode.
        var attributes = NodeAttributes(try files.getattr(node))
        attributes.expireAtOnce = true
        return attributes
      }
      return NodeAttributes(try files.setattr(node, change))
    }
    if let size = changes.size, removesMuch(node, resizedTo: size) {
      answerBlocking(request, change)
    } else {
      answer(request, change)
    }
  }

  /// Whether resizing cuts off so much that it takes long.
  private func removesMuch(_ node: NodeID, resizedTo size: UInt64) -> Bool {
    guard let attributes = try? fileSystem(mayBlock: false).getattr(node) else { return false }
    return attributes.size > size && attributes.blocks * 512 > Self.detachedRemoval
  }

  func setxattr(
    _ request: consuming Request<Done>, node: NodeID, name: [UInt8], value: [UInt8], options: SetAttributeOptions
  ) {
    answerOnce(request) { (files) throws(Errno) in
      try files.setxattr(node, name, value, flags: options.flags, clearsSetGroup: options.clearsSetGroupID)
    }
  }

  func getxattr(_ request: consuming Request<ExtendedAttribute>, node: NodeID, name: [UInt8], room: Int) {
    answer(request) { (files) throws(Errno) in ExtendedAttribute(try files.getxattr(node, name), room: room) }
  }

  /// The kernel lets only administrators read a trusted attribute, but leaves it to us not to list it.
  func listxattr(_ request: consuming Request<ExtendedAttribute>, node: NodeID, room: Int) {
    let caller = request.caller
    answer(request) { (files) throws(Errno) in
      var names = try files.listxattr(node)
      if names.contains(where: Self.isTrusted), CallerRights(of: caller)?.isAdministrator != true {
        names.removeAll(where: Self.isTrusted)
      }
      return ExtendedAttribute(names: names, room: room)
    }
  }

  private static func isTrusted(_ name: [UInt8]) -> Bool { name.starts(with: Array("trusted.".utf8)) }

  func removexattr(_ request: consuming Request<Done>, node: NodeID, name: [UInt8]) {
    answerOnce(request) { (files) throws(Errno) in try files.removexattr(node, name) }
  }
}
