import FUSE
import FileSystem
import Glibc
import SystemIO

extension ForkOperations {
  func lookup(_ request: consuming Request<Entry>, name: [UInt8], in parent: NodeID) {
    introduce(request, orIfMissing: .absent) { (files) throws(Errno) in try files.lookup(parent, name) }
  }

  func mknod(_ request: consuming Request<Entry>, name: [UInt8], in parent: NodeID, mode: UInt32, device: UInt32) {
    let owner = Credentials(request.caller)
    make(request, name, in: parent) { (files) throws(Errno) in
      try files.mknod(parent, name, mode: mode, device: device, owner)
    }
  }

  func mkdir(_ request: consuming Request<Entry>, name: [UInt8], in parent: NodeID, mode: UInt32) {
    let owner = Credentials(request.caller)
    make(request, name, in: parent) { (files) throws(Errno) in try files.mkdir(parent, name, mode: mode, owner) }
  }

  func symlink(_ request: consuming Request<Entry>, name: [UInt8], in parent: NodeID, target: [UInt8]) {
    let owner = Credentials(request.caller)
    make(request, name, in: parent) { (files) throws(Errno) in try files.symlink(parent, name, target: target, owner) }
  }

  func link(_ request: consuming Request<Entry>, node: NodeID, name: [UInt8], in parent: NodeID) {
    make(request, name, in: parent) { (files) throws(Errno) in try files.link(node, parent, name) }
  }

  func create(
    _ request: consuming Request<CreatedFile>, name: [UInt8], in parent: NodeID, mode: UInt32, flags: Int32
  ) {
    let owner = Credentials(request.caller)
    make(request, name, in: parent) { (files) throws(Errno) in
      try files.mknod(parent, name, mode: mode, device: 0, owner)
    }
  }

  /// One that was made and not answered has no name and no user: it is removed when the mount is taken over.
  func tmpfile(_ request: consuming Request<CreatedFile>, in parent: NodeID, mode: UInt32, flags: Int32) {
    let owner = Credentials(request.caller)
    introduce(request) { (files) throws(Errno) in try files.tmpfile(parent, mode: mode, owner) }
  }

  func unlink(_ request: consuming Request<Done>, name: [UInt8], in parent: NodeID) {
    answerOnce(request) { (files) throws(Errno) in try files.unlink(parent, name) }
  }

  func rmdir(_ request: consuming Request<Done>, name: [UInt8], in parent: NodeID) {
    answerOnce(request) { (files) throws(Errno) in try files.rmdir(parent, name) }
  }

  func rename(
    _ request: consuming Request<Done>, name: [UInt8], in parent: NodeID, to newName: [UInt8], in newParent: NodeID,
    flags: UInt32
  ) {
    let owner = Credentials(request.caller)
    once(request) { (files) throws(Errno) in
      try files.rename(parent, name, to: newParent, newName, flags: flags, owner)
    } recalling: { (files) throws(Errno) in
      // Which directories were moved is not known any more: those that may have been are taken for moved.
      var moved: [NodeID] = []
      for (parent, name) in [(parent, name), (newParent, newName)] {
        do throws(Errno) {
          let found = try files.lookup(parent, name)
          if found.mode & S_IFMT == S_IFDIR { moved.append(found.inode) }
        } catch {
          if error != .noSuchFile { throw error }
        }
      }
      return moved
    } finish: { request, moved, execution in
      switch moved {
      case .success([]): request.reply(Done())
      case .success(let moved): return self.forgetLists(of: moved, request, execution)
      case .failure(let error): request.fail(error)
      }
      execution?.end()
    }
  }

  /// Answers when the kernel has forgotten the lists of names of directories that were moved: beside ".." they have the number
  /// of the old directory.
  private func forgetLists(
    of directories: [NodeID], _ request: consuming Request<Done>, _ execution: Execution?
  ) {
    let session = request.connection
    request.detached(isOrdered: true) { request in
      for directory in directories {
        self.logging("forgetting the list of directory \(directory)") { () throws(Errno) in
          try session.invalidate(directory)
        }
      }
      request.reply(Done())
      execution?.end()
    }
  }

  func readlink(_ request: consuming Request<Bytes>, node: NodeID) {
    answer(request) { (files) throws(Errno) in Bytes(try files.readlink(node)) }
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
  /// Gives an inode a name, once, and answers with it.
  private func make<Answer: Introduction>(
    _ request: consuming Request<Answer>, _ name: [UInt8], in parent: NodeID,
    _ change: @escaping (FileSystem) throws(Errno) -> Attributes
  ) {
    once(request, change) { (files) throws(Errno) in
      try files.lookup(parent, name)
    } finish: { request, found, execution in
      self.introduce(request, found, orIfMissing: nil)
      execution?.end()
    }
  }

  /// Answers with an inode, and counts the look-up: before the kernel learns of it, since it may forget it right after.
  private func introduce<Answer: Introduction>(
    _ request: consuming Request<Answer>, orIfMissing substitute: Answer? = nil,
    _ find: @escaping (FileSystem) throws(Errno) -> Attributes
  ) {
    let found = Result { () throws(Errno) in try find(fileSystem(mayBlock: false)) }
    guard case .failure(.wouldBlock) = found else { return introduce(request, found, orIfMissing: substitute) }
    request.detached(isOrdered: true) { request in
      let found = Result { () throws(Errno) in try find(self.fileSystem) }
      self.introduce(request, found, orIfMissing: substitute)
    }
  }

  private func introduce<Answer: Introduction>(
    _ request: consuming Request<Answer>, _ found: Result<Attributes, Errno>, orIfMissing substitute: Answer?
  ) {
    switch found {
    case .success(let attributes):
      fileSystem.retain(attributes.inode)
      let isKnown = request.reply(Answer(introducing: NodeAttributes(attributes)))
      if !isKnown { release(attributes.inode) }
    case .failure(let error):
      if error == .noSuchFile, let substitute {
        request.reply(substitute)
      } else {
        request.fail(error)
      }
    }
  }
}
