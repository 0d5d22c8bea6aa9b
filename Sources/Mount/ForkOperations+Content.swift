import FUSE
import FileSystem
import SystemIO

extension ForkOperations {
  func read(_ request: consuming Request<Bytes>, node: NodeID, at offset: UInt64, count: Int, file: FileReference) {
    let fileSystem = fileSystem
    request.reply(upTo: count) { (memory, mayBlock) throws(Errno) in
      try fileSystem.read(node, at: offset, into: memory, mayBlock: mayBlock)
    }
  }

  func write(
    _ request: consuming Request<Count>, node: NodeID, at offset: UInt64, bytes: UnsafeRawBufferPointer,
    options: WriteOptions, file: FileReference
  ) {
    if bytes.count >= Self.detachedSize {
      return request.detached(isOrdered: true) { self.store($0, node, offset, bytes, options) }
    }
    do {
      request.reply(try store(node, offset, bytes, options, mayBlock: false))
    } catch .wouldBlock {
      request.detached(isOrdered: true) { self.store($0, node, offset, bytes, options) }
    } catch {
      request.fail(error)
    }
  }

  private func store(
    _ request: consuming Request<Count>, _ node: NodeID, _ offset: UInt64, _ bytes: UnsafeRawBufferPointer,
    _ options: WriteOptions
  ) {
    request.reply { () throws(Errno) in try store(node, offset, bytes, options, mayBlock: true) }
  }

  private func store(
    _ node: NodeID, _ offset: UInt64, _ bytes: UnsafeRawBufferPointer, _ options: WriteOptions, mayBlock: Bool
  ) throws(Errno) -> Count {
    let killsPrivileges = options.contains(.clearsPrivileges)
    return Count(
      try fileSystem.write(node, at: offset, bytes, killsPrivileges: killsPrivileges, mayBlock: mayBlock))
  }

  func fallocate(
    _ request: consuming Request<Done>, node: NodeID, mode: Int32, offset: UInt64, length: UInt64, file: FileReference
  ) {
    request.detached(isOrdered: true) { request in
      request.reply { () throws(Errno) in
        try self.fileSystem.fallocate(node, mode: mode, offset: offset, length: length)
        return Done()
      }
    }
  }

  func copyFileRange(
    _ request: consuming Request<Count>, from source: NodeID, at sourceOffset: UInt64, to target: NodeID,
    at targetOffset: UInt64, count: Int
  ) {
    request.detached(isOrdered: true) { request in
      request.reply { () throws(Errno) in
        let copied = try self.fileSystem.copyFileRange(
          source, at: sourceOffset, to: target, at: targetOffset, length: UInt64(count))
        return Count(Int(copied))
      }
    }
  }

  func lseek(_ request: consuming Request<Offset>, node: NodeID, offset: UInt64, whence: Int32) {
    request.reply { () throws(Errno) in Offset(try fileSystem.lseek(node, offset: offset, whence: whence)) }
  }
}
