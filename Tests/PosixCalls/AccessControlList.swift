import Glibc
public import SystemIO

/// A POSIX access control list, in the form in which the kernel takes and gives it: version 2, then 8 bytes for each
/// entry (tag, permissions, id), little-endian.
public struct AccessControlList: Hashable, Sendable {
  public enum Tag: UInt16, Sendable, CaseIterable {
    case owner = 0x01, user = 0x02, owningGroup = 0x04, group = 0x08, mask = 0x10, other = 0x20
  }

  public struct Entry: Hashable, Sendable {
    public var tag: Tag
    public var permissions: UInt16
    /// Of a `user` or a `group`; the largest number for the other tags.
    public var identifier: UInt32

    public init(_ tag: Tag, _ permissions: UInt16, of identifier: UInt32 = .max) {
      self.tag = tag
      self.permissions = permissions
      self.identifier = identifier
    }
  }

  /// Which of the two lists that a directory can have.
  public enum Role: String, Sendable, CaseIterable {
    case access = "system.posix_acl_access"
    case `default` = "system.posix_acl_default"
  }

  /// In the order of the tags, then of the identifiers, as the kernel wants them.
  public var entries: [Entry]

  public init(_ entries: [Entry]) { self.entries = entries }

  public init?(encoded bytes: [UInt8]) {
    guard bytes.count >= 4, bytes.count % 8 == 4, bytes[..<4] == [2, 0, 0, 0] else { return nil }
    entries = []
    for start in stride(from: 4, to: bytes.count, by: 8) {
      let entry = bytes[start..<(start + 8)].reversed().reduce(0) { $0 << 8 | UInt64($1) }
      guard let tag = Tag(rawValue: UInt16(truncatingIfNeeded: entry)) else { return nil }
      entries.append(Entry(tag, UInt16(truncatingIfNeeded: entry >> 16), of: UInt32(entry >> 32)))
    }
  }

  public var encoded: [UInt8] {
    let numbers = entries.map {
      UInt64($0.tag.rawValue) | UInt64($0.permissions) << 16 | UInt64($0.identifier) << 32
    }
    return [2, 0, 0, 0] + numbers.flatMap { number in (0..<8).map { UInt8(truncatingIfNeeded: number >> ($0 * 8)) } }
  }
}

extension Path {
  /// The list in this role; ENODATA where there is none beyond the mode.
  public func accessControlList(_ role: AccessControlList.Role = .access) throws(Errno) -> AccessControlList {
    guard let list = AccessControlList(encoded: try attribute(role.rawValue)) else { throw Errno(rawValue: EBADMSG) }
    return list
  }

  public func setAccessControlList(_ list: AccessControlList, _ role: AccessControlList.Role = .access) throws(Errno) {
    try setAttribute(role.rawValue, to: list.encoded)
  }

  public func removeAccessControlList(_ role: AccessControlList.Role = .access) throws(Errno) {
    try removeAttribute(role.rawValue)
  }
}
