import CPosix
public import SystemIO

/// What name_to_handle_at(2) tells of a file, by which it can be opened without a name.
public struct FileHandle: Hashable, Sendable {
  fileprivate let bytes: [UInt8]
}

extension Path {
  /// The handle of this file; a symbolic link is not followed.
  public func handle() throws(Errno) -> FileHandle {
    let headerSize = 8
    var capacity: UInt32 = 128
    var bytes = [UInt8](repeating: 0, count: headerSize + Int(capacity))
    bytes.withUnsafeMutableBytes { $0.storeBytes(of: capacity, as: UInt32.self) }
    var mount: Int32 = 0
    try retryingInterrupts {
      withCString { path in
        bytes.withUnsafeMutableBytes { name_to_handle_at(-100, path, OpaquePointer($0.baseAddress!), &mount, 0) }
      }
    }
    capacity = bytes.withUnsafeBytes { $0.load(as: UInt32.self) }
    return FileHandle(bytes: Array(bytes[..<(headerSize + Int(capacity))]))
  }
}

extension OpenFile {
  /// open_by_handle_at(2) of a file of the file system that this file is on.
  public func open(_ handle: FileHandle, _ flags: Int32) throws(Errno) -> OpenFile {
    var bytes = handle.bytes
    return OpenFile(
      try retryingInterrupts {
        bytes.withUnsafeMutableBytes { open_by_handle_at(descriptor, OpaquePointer($0.baseAddress!), flags) }
      })
  }
}
