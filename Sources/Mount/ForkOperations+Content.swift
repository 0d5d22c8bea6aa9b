import FUSE
import FileSystem
import SystemIO

extension ForkOperations {
  func read(_ request: consuming Request<Bytes>, node: NodeID, at offset: UInt64, count: Int, file: FileReference) {
    request.reply(upTo: count) { (memory, mayBlock) throws(Errno) in
      try self.fileSystem(mayBlock: mayBlock).read(node, at: offset, into: memory)
    }
  }

  func write(
    _ request: consuming Request<Count>, node: NodeID, at offset: UInt64, bytes: UnsafeRawBufferPointer,
    options: WriteOptions, file: FileReference
  ) {
    let caller = request.caller
    let store = { (files: FileSystem) throws(Errno) in
      let loseSetGroup = { (group: UInt32) in CallerRights(of: caller)?.loseSetGroup(group) ?? false }
      let kills = options.contains(.clearsPrivileges)
      return Count(try files.write(node, at: offset, bytes, loseSetGroup: kills ? loseSetGroup : nil))
    }
    if bytes.count >= Self.detachedSize { answerBlocking(request, store) } else { answer(request, store) }
  }

  func fallocate(
    _ request: consuming Request<Done>, node: NodeID, mode: Int32, offset: UInt64, length: UInt64, file: FileReference
  ) {
    let caller = request.caller
    answerBlocking(request) { (files) throws(Errno) in
      try self.takePrivileges(of: node, from: caller, files)
      try files.fallocate(node, mode: mode, offset: offset, length: length)
      return Done()
    }
  }

  /// Shares whole pages, and leaves it to the kernel to copy parts of them: after a copy that we make, it drops the pages from its
  /// cache, with what a mapping has stored meanwhile beside the copied part.
  func copyFileRange(
    _ request: consuming Request<Count>, from source: NodeID, at sourceOffset: UInt64, to target: NodeID,
    at targetOffset: UInt64, count: Int
  ) {
    let caller = request.caller
    answerBlocking(request) { (files) throws(Errno) in
      try self.takePrivileges(of: target, from: caller, files)
      let copied = try files.copyFileRange(
        source, at: sourceOffset, to: target, at: targetOffset, length: UInt64(count), onlySharing: true)
      return Count(Int(copied))
    }
  }

  func lseek(_ request: consuming Request<Offset>, node: NodeID, offset: UInt64, whence: Int32) {
    if fileSystem.isReadOnly {
      answer(request) { (files) throws(Errno) in Offset(try files.lseek(node, offset: offset, whence: whence)) }
    } else {
      seeks.add(request, node, offset, whence)
    }
  }
}
