import Glibc
import SystemIO

/// ENOSYS for everything; a directory needs no opening, a file no closing.
extension Operations {
  public func lookup(_ request: consuming Request<Entry>, name: [UInt8], in parent: NodeID) {
    request.fail(.notImplemented)
  }
  public func forget(_ node: NodeID, count: UInt64, in session: Session) {}
  public func getattr(_ request: consuming Request<NodeAttributes>, node: NodeID) { request.fail(.notImplemented) }
  public func statx(_ request: consuming Request<ExtendedStatus>, node: NodeID) { request.fail(.notImplemented) }
  public func setattr(_ request: consuming Request<NodeAttributes>, node: NodeID, changes: AttributeChanges) {
    request.fail(.notImplemented)
  }
  public func readlink(_ request: consuming Request<Bytes>, node: NodeID) { request.fail(.notImplemented) }
  public func mknod(_ request: consuming Request<Entry>, name: [UInt8], in parent: NodeID, mode: UInt32, device: UInt32)
  { request.fail(.notImplemented) }
  public func mkdir(_ request: consuming Request<Entry>, name: [UInt8], in parent: NodeID, mode: UInt32) {
    request.fail(.notImplemented)
  }
  public func symlink(_ request: consuming Request<Entry>, name: [UInt8], in parent: NodeID, target: [UInt8]) {
    request.fail(.notImplemented)
  }
  public func link(_ request: consuming Request<Entry>, node: NodeID, name: [UInt8], in parent: NodeID) {
    request.fail(.notImplemented)
  }
  public func unlink(_ request: consuming Request<Done>, name: [UInt8], in parent: NodeID) {
    request.fail(.notImplemented)
  }
  public func rmdir(_ request: consuming Request<Done>, name: [UInt8], in parent: NodeID) {
    request.fail(.notImplemented)
  }
  public func rename(
    _ request: consuming Request<Done>, name: [UInt8], in parent: NodeID, to newName: [UInt8], in newParent: NodeID,
    flags: UInt32
  ) { request.fail(.notImplemented) }
  public func create(
    _ request: consuming Request<CreatedFile>, name: [UInt8], in parent: NodeID, mode: UInt32, flags: Int32
  ) { request.fail(.notImplemented) }
  public func tmpfile(_ request: consuming Request<CreatedFile>, in parent: NodeID, mode: UInt32, flags: Int32) {
    request.fail(.notImplemented)
  }
  public func open(_ request: consuming Request<OpenedFile>, node: NodeID, options: OpenOptions) {
    request.fail(.notImplemented)
  }
  public func release(_ request: consuming Request<Done>, node: NodeID, file: FileReference) {
    request.fail(.notImplemented)
  }
  public func flush(_ request: consuming Request<Done>, node: NodeID, file: FileReference) {
    request.fail(.notImplemented)
  }
  public func fsync(_ request: consuming Request<Done>, node: NodeID, dataOnly: Bool, file: FileReference) {
    request.fail(.notImplemented)
  }
  public func read(
    _ request: consuming Request<Bytes>, node: NodeID, at offset: UInt64, count: Int, file: FileReference
  ) { request.fail(.notImplemented) }
  public func write(
    _ request: consuming Request<Count>, node: NodeID, at offset: UInt64, bytes: UnsafeRawBufferPointer,
    options: WriteOptions, file: FileReference
  ) { request.fail(.notImplemented) }
  public func fallocate(
    _ request: consuming Request<Done>, node: NodeID, mode: Int32, offset: UInt64, length: UInt64, file: FileReference
  ) { request.fail(.notImplemented) }
  public func copyFileRange(
    _ request: consuming Request<Count>, from source: NodeID, at sourceOffset: UInt64, to target: NodeID,
    at targetOffset: UInt64, count: Int
  ) { request.fail(.notImplemented) }
  public func lseek(_ request: consuming Request<Offset>, node: NodeID, offset: UInt64, whence: Int32) {
    request.fail(.notImplemented)
  }
  public func opendir(_ request: consuming Request<OpenedFile>, node: NodeID) { request.fail(.notImplemented) }
  public func readdir(_ request: consuming Request<Listing>, node: NodeID, after cookie: UInt64, room: Int) {
    request.fail(.notImplemented)
  }
  public func readdirplus(_ request: consuming Request<Listing>, node: NodeID, after cookie: UInt64, room: Int) {
    request.fail(.notImplemented)
  }
  public func releasedir(_ request: consuming Request<Done>, node: NodeID) { request.fail(.notImplemented) }
  public func fsyncdir(_ request: consuming Request<Done>, node: NodeID, dataOnly: Bool) {
    request.fail(.notImplemented)
  }
  public func statfs(_ request: consuming Request<Statistics>, node: NodeID) { request.fail(.notImplemented) }
  public func setxattr(
    _ request: consuming Request<Done>, node: NodeID, name: [UInt8], value: [UInt8], options: SetAttributeOptions
  ) { request.fail(.notImplemented) }
  public func getxattr(_ request: consuming Request<ExtendedAttribute>, node: NodeID, name: [UInt8], room: Int) {
    request.fail(.notImplemented)
  }
  public func listxattr(_ request: consuming Request<ExtendedAttribute>, node: NodeID, room: Int) {
    request.fail(.notImplemented)
  }
  public func removexattr(_ request: consuming Request<Done>, node: NodeID, name: [UInt8]) {
    request.fail(.notImplemented)
  }
  public func access(_ request: consuming Request<Done>, node: NodeID, mask: Int32) { request.fail(.notImplemented) }
  public func ioctl(_ request: consuming Request<Done>, node: NodeID, command: UInt32) { request.fail(.notImplemented) }
}
