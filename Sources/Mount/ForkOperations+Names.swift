import FUSE
import FileSystem
import SystemIO

extension ForkOperations {
  func lookup(_ request: consuming Request<Entry>, name: [UInt8], in parent: NodeID) {
    introduce(request, orIfMissing: .absent) { () throws(Errno) in try fileSystem.lookup(parent, name) }
  }

  func mknod(_ request: consuming Request<Entry>, name: [UInt8], in parent: NodeID, mode: UInt32, device: UInt32) {
    let owner = Credentials(request.caller)
    introduce(request) { () throws(Errno) in
      try fileSystem.mknod(parent, name, mode: mode, device: device, owner)
    }
  }

  func mkdir(_ request: consuming Request<Entry>, name: [UInt8], in parent: NodeID, mode: UInt32) {
    let owner = Credentials(request.caller)
    introduce(request) { () throws(Errno) in try fileSystem.mkdir(parent, name, mode: mode, owner) }
  }

  func symlink(_ request: consuming Request<Entry>, name: [UInt8], in parent: NodeID, target: [UInt8]) {
    let owner = Credentials(request.caller)
    introduce(request) { () throws(Errno) in try fileSystem.symlink(parent, name, target: target, owner) }
  }

  func link(_ request: consuming Request<Entry>, node: NodeID, name: [UInt8], in parent: NodeID) {
    introduce(request) { () throws(Errno) in try fileSystem.link(node, parent, name) }
  }

  func create(
    _ request: consuming Request<CreatedFile>, name: [UInt8], in parent: NodeID, mode: UInt32, flags: Int32
  ) {
    let owner = Credentials(request.caller)
    introduce(request) { () throws(Errno) in try fileSystem.mknod(parent, name, mode: mode, device: 0, owner) }
  }

  func tmpfile(_ request: consuming Request<CreatedFile>, in parent: NodeID, mode: UInt32, flags: Int32) {
    let owner = Credentials(request.caller)
    introduce(request) { () throws(Errno) in try fileSystem.tmpfile(parent, mode: mode, owner) }
  }

  func unlink(_ request: consuming Request<Done>, name: [UInt8], in parent: NodeID) {
    request.reply { () throws(Errno) in
      try fileSystem.unlink(parent, name)
      return Done()
    }
  }

  func rmdir(_ request: consuming Request<Done>, name: [UInt8], in parent: NodeID) {
    request.reply { () throws(Errno) in
      try fileSystem.rmdir(parent, name)
      return Done()
    }
  }

  func rename(
    _ request: consuming Request<Done>, name: [UInt8], in parent: NodeID, to newName: [UInt8], in newParent: NodeID,
    flags: UInt32
  ) {
    let owner = Credentials(request.caller)
    request.reply { () throws(Errno) in
      try fileSystem.rename(parent, name, to: newParent, newName, flags: flags, owner)
      return Done()
    }
  }

  func readlink(_ request: consuming Request<Bytes>, node: NodeID) {
    request.reply { () throws(Errno) in Bytes(try fileSystem.readlink(node)) }
  }
}

/// An answer that makes an inode known to the kernel.
protocol Introduction: Reply {
  init(introducing attributes: NodeAttributes)
}

extension Entry: Introduction {
  init(introducing attributes: NodeAttributes) { self = .node(attributes) }
}

extension CreatedFile: Introduction {
  init(introducing attributes: NodeAttributes) { self.init(attributes) }
}

extension ForkOperations {
  /// Answers with an inode, and counts the look-up: before the kernel learns of it, since it may forget it right after.
  private func introduce<Answer: Introduction>(
    _ request: consuming Request<Answer>, orIfMissing substitute: Answer? = nil,
    _ find: () throws(Errno) -> Attributes
  ) {
    do {
      let attributes = try find()
      fileSystem.retain(attributes.inode)
      let isKnown = request.reply(Answer(introducing: NodeAttributes(attributes)))
      if !isKnown { release(attributes.inode) }
    } catch {
      if error == .noSuchFile, let substitute {
        request.reply(substitute)
      } else {
        request.fail(error)
      }
    }
  }
}
