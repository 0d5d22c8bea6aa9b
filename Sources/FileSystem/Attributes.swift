public import Store
import SystemIO

/// What stat(2) tells of an inode.
public struct Attributes: Hashable, Sendable {
  public var inode: InodeNumber
  /// Type and permissions.
  public var mode: UInt32
  public var links: UInt32
  public var owner: UInt32
  public var group: UInt32
  /// Of a device node.
  public var device: UInt32
  /// In bytes.
  public var size: UInt64
  /// Space of the content in units of 512 bytes; holes and pages of zeros take none.
  public var blocks: UInt64
  public var accessed: Timestamp
  public var modified: Timestamp
  public var changed: Timestamp
  public var born: Timestamp

  /// Directories have no size of their own; this is what ext4 says of a small one.
  private static let directorySize: UInt64 = 4096

  init(_ number: InodeNumber, _ item: InodeItem) {
    inode = number
    mode = item.mode
    links = item.links
    owner = item.owner
    group = item.group
    device = item.device
    size = item.isDirectory ? Self.directorySize : item.size
    blocks = item.pages * 8
    accessed = item.accessed
    modified = item.modified
    changed = item.changed
    born = item.born
  }
}

/// Who asks, as far as new objects belong to somebody.
public struct Credentials: Hashable, Sendable {
  public var user: UInt32
  public var group: UInt32
  /// The caller's umask(2), for a new object whose directory has no default access control list. Without one the object gets the
  /// very mode that is asked for, and no list.
  public var fileCreationMask: UInt32?

  public init(user: UInt32, group: UInt32, fileCreationMask: UInt32? = nil) {
    self.user = user
    self.group = group
    self.fileCreationMask = fileCreationMask
  }
}

public enum TimeChange: Hashable, Sendable {
  case now
  case at(Timestamp)
}

/// What chmod, chown, truncate and utimensat change; nil is left as it is.
public struct AttributeChange: Hashable, Sendable {
  /// Permissions; type bits are ignored.
  public var mode: UInt32?
  public var owner: UInt32?
  public var group: UInt32?
  public var size: UInt64?
  public var accessed: TimeChange?
  public var modified: TimeChange?
  public var changed: Timestamp?
  /// Clear the set-user-ID and set-group-ID bits, as a change of content or owner by somebody unprivileged does.
  public var killsPrivileges = false
  /// With `killsPrivileges`, clear the set-group-ID bit even where the group may not execute the file.
  public var killsSetGroup = false

  public init() {}
}

/// An entry of a directory, as readdir(3) gives it.
public struct DirectoryEntry: Hashable, Sendable {
  public var name: [UInt8]
  public var inode: InodeNumber
  /// The type bits of the mode.
  public var type: UInt32
  /// Reading goes on behind this entry with this cookie, whatever was added or removed meanwhile.
  public var cookie: UInt64
}

/// What statfs(2) tells, in blocks of `blockSize` bytes.
public struct FileSystemStatistics: Hashable, Sendable {
  public var blockSize: UInt64
  public var blocks: UInt64
  public var freeBlocks: UInt64
  public var files: UInt64
  public var freeFiles: UInt64
  public var maximumNameLength: UInt64
}

/// Bits of a mode.
enum Mode {
  static let typeMask: UInt32 = 0o170000
  static let permissionMask: UInt32 = 0o7777
  static let directory: UInt32 = 0o040000
  static let regular: UInt32 = 0o100000
  static let symbolicLink: UInt32 = 0o120000
  static let setUser: UInt32 = 0o4000
  static let setGroup: UInt32 = 0o2000
  static let groupExecute: UInt32 = 0o010
}

extension InodeItem {
  /// Clears set-user-ID and set-group-ID. Where the group may not execute the file, the latter means nothing, and goes only for
  /// some callers.
  mutating func killPrivileges(loseSetGroup: (_ group: UInt32) -> Bool) {
    guard !isDirectory else { return }
    mode &= ~Mode.setUser
    if mode & Mode.setGroup != 0, mode & Mode.groupExecute != 0 || loseSetGroup(group) { mode &= ~Mode.setGroup }
  }
}
