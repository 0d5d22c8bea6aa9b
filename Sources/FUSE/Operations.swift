/// What answers the requests of the kernel, one method a request and named like it.
///
/// The methods are called on the thread that reads the session's requests, so they may not block there: what may have to
/// wait for a disk goes through `Request.detached`. Whatever is not implemented answers ENOSYS, and the kernel then
/// does without or does not ask again. Names and other bytes need not be UTF-8.
public protocol Operations: Sendable {
  func lookup(_ request: consuming Request<Entry>, name: [UInt8], in parent: NodeID)
  /// The kernel drops `count` of the look-ups that entries have given it. There is no answer, so what takes long is detached
  /// from the session itself.
  func forget(_ node: NodeID, count: UInt64, in session: Session)

  func getattr(_ request: consuming Request<NodeAttributes>, node: NodeID)
  /// Asked where somebody wants to know when an inode was made.
  func statx(_ request: consuming Request<ExtendedStatus>, node: NodeID)
  func setattr(_ request: consuming Request<NodeAttributes>, node: NodeID, changes: AttributeChanges)
  func readlink(_ request: consuming Request<Bytes>, node: NodeID)

  func mknod(
    _ request: consuming Request<Entry>, name: [UInt8], in parent: NodeID, mode: UInt32, device: UInt32)
  func mkdir(_ request: consuming Request<Entry>, name: [UInt8], in parent: NodeID, mode: UInt32)
  func symlink(_ request: consuming Request<Entry>, name: [UInt8], in parent: NodeID, target: [UInt8])
  func link(_ request: consuming Request<Entry>, node: NodeID, name: [UInt8], in parent: NodeID)
  func unlink(_ request: consuming Request<Done>, name: [UInt8], in parent: NodeID)
  func rmdir(_ request: consuming Request<Done>, name: [UInt8], in parent: NodeID)
  /// - Parameter flags: RENAME_NOREPLACE, RENAME_EXCHANGE, RENAME_WHITEOUT.
  func rename(
    _ request: consuming Request<Done>, name: [UInt8], in parent: NodeID, to newName: [UInt8], in newParent: NodeID,
    flags: UInt32)

  func create(
    _ request: consuming Request<CreatedFile>, name: [UInt8], in parent: NodeID, mode: UInt32, flags: Int32)
  func tmpfile(_ request: consuming Request<CreatedFile>, in parent: NodeID, mode: UInt32, flags: Int32)
  func open(_ request: consuming Request<OpenedFile>, node: NodeID, options: OpenOptions)
  func release(_ request: consuming Request<Done>, node: NodeID, file: FileReference)
  func flush(_ request: consuming Request<Done>, node: NodeID, file: FileReference)
  func fsync(_ request: consuming Request<Done>, node: NodeID, dataOnly: Bool, file: FileReference)

  func read(_ request: consuming Request<Bytes>, node: NodeID, at offset: UInt64, count: Int, file: FileReference)
  /// `bytes` are valid until the method, or the body it detached, returns.
  func write(
    _ request: consuming Request<Count>, node: NodeID, at offset: UInt64, bytes: UnsafeRawBufferPointer,
    options: WriteOptions, file: FileReference)
  func fallocate(
    _ request: consuming Request<Done>, node: NodeID, mode: Int32, offset: UInt64, length: UInt64, file: FileReference)
  func copyFileRange(
    _ request: consuming Request<Count>, from source: NodeID, at sourceOffset: UInt64, to target: NodeID,
    at targetOffset: UInt64, count: Int)
  func lseek(_ request: consuming Request<Offset>, node: NodeID, offset: UInt64, whence: Int32)

  func opendir(_ request: consuming Request<OpenedFile>, node: NodeID)
  func readdir(_ request: consuming Request<Listing>, node: NodeID, after cookie: UInt64, room: Int)
  func readdirplus(_ request: consuming Request<Listing>, node: NodeID, after cookie: UInt64, room: Int)
  func releasedir(_ request: consuming Request<Done>, node: NodeID)
  func fsyncdir(_ request: consuming Request<Done>, node: NodeID, dataOnly: Bool)

  /// Called after every ordered body that was detached before has finished: a marker in the stream of requests.
  func statfs(_ request: consuming Request<Statistics>, node: NodeID)

  func setxattr(
    _ request: consuming Request<Done>, node: NodeID, name: [UInt8], value: [UInt8], options: SetAttributeOptions)
  func getxattr(_ request: consuming Request<ExtendedAttribute>, node: NodeID, name: [UInt8], room: Int)
  func listxattr(_ request: consuming Request<ExtendedAttribute>, node: NodeID, room: Int)
  func removexattr(_ request: consuming Request<Done>, node: NodeID, name: [UInt8])
  func access(_ request: consuming Request<Done>, node: NodeID, mask: Int32)
  func ioctl(_ request: consuming Request<Done>, node: NodeID, command: UInt32)
}

/// An open file as later requests refer to it.
public struct FileReference: Sendable {
  /// What `OpenedFile.handle` said; zero for files opened without a request.
  public let handle: UInt64
  public let flags: Int32
}

/// How a file is opened.
public struct OpenOptions: Sendable {
  /// As in open(2), without O_CREAT and O_EXCL.
  public let flags: Int32
  /// With O_TRUNC: the caller lacks the right to keep set-user-ID and set-group-ID bits.
  public let clearsPrivileges: Bool
}

/// How a write came about.
public struct WriteOptions: OptionSet, Sendable {
  public let rawValue: UInt32
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// The kernel writes back a dirty page; the caller is unknown.
  public static let fromCache = WriteOptions(rawValue: 1 << 0)
  /// The caller lacks the right to keep set-user-ID and set-group-ID bits (HANDLE_KILLPRIV_V2).
  public static let clearsPrivileges = WriteOptions(rawValue: 1 << 2)
}

/// How an extended attribute is set.
public struct SetAttributeOptions: Sendable {
  /// XATTR_CREATE or XATTR_REPLACE.
  public let flags: Int32
  /// An access control list is set by somebody who may not keep the set-group-ID bit.
  public let clearsSetGroupID: Bool
}
