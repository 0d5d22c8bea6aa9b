import Store

/// An access control list as acl(5) describes it: the permissions of named users and groups beside those that the mode tells.
///
/// The kernel keeps it in an extended attribute, little-endian: `version: u32 = 2`, then for each entry `tag: u16`,
/// `permissions: u16`, `id: u32`. It has sorted and checked it before it gets here.
struct AccessControlList: Equatable {
  struct Entry: Equatable {
    var tag: Tag
    /// Read 4, write 2, execute 1.
    var permissions: UInt32
    /// The user or group of a named entry.
    var id: UInt32
  }

  enum Tag: UInt16 {
    case owner = 0x01
    case user = 0x02
    case owningGroup = 0x04
    case group = 0x08
    /// The most that named users and all groups may do.
    case mask = 0x10
    case others = 0x20
  }

  /// Of the object itself.
  static let accessName = [UInt8]("system.posix_acl_access".utf8)
  /// Of a directory: what new objects in it get.
  static let defaultName = [UInt8]("system.posix_acl_default".utf8)

  private static let version: UInt32 = 2
  private static let headerSize = 4
  private static let entrySize = 8
  private static let all: UInt32 = 0o7

  private(set) var entries: [Entry]

  /// Nil for bytes that are no list.
  init?(decoding bytes: [UInt8]) {
    func number(_ offset: Int, _ size: Int) -> UInt32 {
      (0..<size).reduce(0) { $0 | UInt32(bytes[offset + $1]) << UInt32(8 * $1) }
    }
    guard bytes.count >= Self.headerSize, (bytes.count - Self.headerSize) % Self.entrySize == 0,
      number(0, 4) == Self.version
    else { return nil }
    entries = []
    for offset in stride(from: Self.headerSize, to: bytes.count, by: Self.entrySize) {
      guard let tag = Tag(rawValue: UInt16(number(offset, 2))) else { return nil }
      entries.append(Entry(tag: tag, permissions: number(offset + 2, 2) & Self.all, id: number(offset + 4, 4)))
    }
    guard [.owner, .owningGroup, .others].allSatisfy({ index(of: $0) != nil }) else { return nil }
  }

  func encoded() -> [UInt8] {
    func bytes(_ value: UInt32, _ size: Int) -> [UInt8] {
      (0..<size).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }
    return entries.reduce(into: bytes(Self.version, 4)) { result, entry in
      result += bytes(UInt32(entry.tag.rawValue), 2) + bytes(entry.permissions, 2) + bytes(entry.id, 4)
    }
  }

  /// Whether the nine permission bits of the mode say all that it says.
  var isMinimal: Bool { entries.allSatisfy { [.owner, .owningGroup, .others].contains($0.tag) } }

  /// The permission bits of a mode that belongs to it. Those of the group are the mask where there is one.
  var permissions: UInt32 {
    self[.owner] << 6 | self[groupClass] << 3 | self[.others]
  }

  /// What its own entry allows the owning group, whatever the mask leaves of it.
  var owningGroupPermissions: UInt32 { self[.owningGroup] }

  /// Follows a change of the mode by chmod(2).
  mutating func setPermissions(_ mode: UInt32) {
    self[.owner] = mode >> 6 & Self.all
    self[groupClass] = mode >> 3 & Self.all
    self[.others] = mode & Self.all
  }

  /// A directory's default list as a new object gets it that is made with `mode`: no more than both allow.
  func inherited(by mode: UInt32) -> AccessControlList {
    var list = self
    list.setPermissions(permissions & mode)
    return list
  }

  private var groupClass: Tag { index(of: .mask) == nil ? .owningGroup : .mask }

  private func index(of tag: Tag) -> Int? { entries.firstIndex { $0.tag == tag } }

  private subscript(tag: Tag) -> UInt32 {
    get { index(of: tag).map { entries[$0].permissions } ?? 0 }
    set { if let index = index(of: tag) { entries[index].permissions = newValue } }
  }
}
