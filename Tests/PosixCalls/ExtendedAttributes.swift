import CPosix
public import SystemIO

/// Whether setxattr(2) may make an attribute, replace one, or both.
public enum AttributeCondition: Hashable, Sendable {
  case any, create, replace

  fileprivate var flags: Int32 {
    switch self {
    case .any: 0
    case .create: posix_XATTR_CREATE
    case .replace: posix_XATTR_REPLACE
    }
  }
}

/// Of the file itself where it is a symbolic link, unless that is followed.
extension Path {
  public func setAttribute(
    _ name: String, to value: [UInt8], _ condition: AttributeCondition = .any, followsLink: Bool = false
  ) throws(Errno) {
    let set = followsLink ? setxattr : lsetxattr
    try retryingInterrupts { withCString { set($0, name, value, value.count, condition.flags) } }
  }

  public func attribute(_ name: String, followsLink: Bool = false) throws(Errno) -> [UInt8] {
    let get = followsLink ? getxattr : lgetxattr
    return try readWhole { (buffer, size) in withCString { get($0, name, buffer, size) } }
  }

  /// Asks with room for `capacity` bytes only; 0 asks for the size. Returns the size of the value.
  public func attributeSize(_ name: String, capacity: Int = 0) throws(Errno) -> Int {
    var buffer = [UInt8](repeating: 0, count: capacity)
    return try retryingInterrupts { withCString { lgetxattr($0, name, &buffer, capacity) } }
  }

  public func attributeNames(followsLink: Bool = false) throws(Errno) -> Set<String> {
    let list = followsLink ? listxattr : llistxattr
    return separated(try readWhole { (buffer, size) in withCString { list($0, buffer, size) } })
  }

  public func removeAttribute(_ name: String, followsLink: Bool = false) throws(Errno) {
    let remove = followsLink ? removexattr : lremovexattr
    try retryingInterrupts { withCString { remove($0, name) } }
  }
}

extension OpenFile {
  public func setAttribute(
    _ name: String, to value: [UInt8], _ condition: AttributeCondition = .any
  ) throws(Errno) {
    try retryingInterrupts { fsetxattr(descriptor, name, value, value.count, condition.flags) }
  }

  public func attribute(_ name: String) throws(Errno) -> [UInt8] {
    try readWhole { fgetxattr(descriptor, name, $0, $1) }
  }

  public func attributeNames() throws(Errno) -> Set<String> {
    separated(try readWhole { flistxattr(descriptor, $0, $1) })
  }

  public func removeAttribute(_ name: String) throws(Errno) {
    try retryingInterrupts { fremovexattr(descriptor, name) }
  }
}

/// The kernel takes and gives 64 KiB at most.
private func readWhole(_ read: (UnsafeMutablePointer<CChar>, Int) -> Int) throws(Errno) -> [UInt8] {
  let size = 65536
  let buffer = UnsafeMutablePointer<CChar>.allocate(capacity: size)
  defer { buffer.deallocate() }
  let count = try retryingInterrupts { read(buffer, size) }
  return Array(UnsafeRawBufferPointer(start: buffer, count: count))
}

private func separated(_ names: [UInt8]) -> Set<String> {
  Set(names.split(separator: 0).map { String(decoding: $0, as: UTF8.self) })
}
