import CFUSE
import Glibc

/// The number by which the kernel knows an inode. The root of every file system is `rootNode`.
public typealias NodeID = UInt64

/// The root's number, fixed by the protocol.
public let rootNode: NodeID = 1

/// A point in time since 1970.
public struct NodeTime: Sendable, Equatable {
  public var seconds: Int64
  public var nanoseconds: UInt32

  public init(seconds: Int64 = 0, nanoseconds: UInt32 = 0) {
    self.seconds = seconds
    self.nanoseconds = nanoseconds
  }

  init(_ time: timespec) {
    seconds = Int64(time.tv_sec)
    nanoseconds = UInt32(truncatingIfNeeded: time.tv_nsec)
  }

  var specification: timespec { timespec(tv_sec: Int(seconds), tv_nsec: Int(nanoseconds)) }
}

/// What stat(2) tells of an inode.
public struct NodeAttributes: Sendable {
  public var node: NodeID
  /// Type and permission bits, as in `st_mode`.
  public var mode: UInt32
  public var links: UInt32
  public var user: UInt32
  public var group: UInt32
  /// The device that a device file stands for.
  public var device: UInt32
  public var size: UInt64
  /// In units of 512 bytes.
  public var blocks: UInt64
  public var accessed: NodeTime
  public var modified: NodeTime
  public var changed: NodeTime
  /// The kernel asks again before it uses them, because they change without its being told.
  public var expireAtOnce = false

  public init(
    node: NodeID, mode: UInt32, links: UInt32, user: UInt32, group: UInt32, device: UInt32, size: UInt64,
    blocks: UInt64, accessed: NodeTime, modified: NodeTime, changed: NodeTime
  ) {
    self.node = node
    self.mode = mode
    self.links = links
    self.user = user
    self.group = group
    self.device = device
    self.size = size
    self.blocks = blocks
    self.accessed = accessed
    self.modified = modified
    self.changed = changed
  }

  /// The preferred size of reads and writes.
  static let blockSize: UInt32 = 4096

  /// The same in the form that libfuse takes.
  var status: stat {
    var status = stat()
    status.st_ino = .init(node)
    status.st_mode = mode
    status.st_nlink = .init(links)
    status.st_uid = user
    status.st_gid = group
    status.st_rdev = .init(device)
    status.st_size = .init(clamping: size)
    status.st_blocks = .init(clamping: blocks)
    status.st_blksize = .init(Self.blockSize)
    status.st_atim = accessed.specification
    status.st_mtim = modified.specification
    status.st_ctim = changed.specification
    return status
  }
}

/// What setattr asks to change; nil leaves a field as it is.
public struct AttributeChanges: Sendable {
  /// A point in time, or the moment at which the request is served.
  public enum Time: Sendable {
    case now
    case at(NodeTime)
  }

  public var mode: UInt32?
  public var user: UInt32?
  public var group: UInt32?
  public var size: UInt64?
  public var accessed: Time?
  public var modified: Time?
  public var changed: NodeTime?
  /// The caller lacks the right to keep set-user-ID and set-group-ID bits: clear them (HANDLE_KILLPRIV_V2).
  public var clearsPrivileges: Bool

  init(_ status: stat, mask: Int32) {
    func given<Value>(_ bit: Int32, _ value: Value) -> Value? { mask & bit != 0 ? value : nil }
    mode = given(1 << 0, status.st_mode)
    user = given(1 << 1, status.st_uid)
    group = given(1 << 2, status.st_gid)
    size = given(1 << 3, UInt64(bitPattern: Int64(status.st_size)))
    accessed = given(1 << 7, .now) ?? given(1 << 4, .at(NodeTime(status.st_atim)))
    modified = given(1 << 8, .now) ?? given(1 << 5, .at(NodeTime(status.st_mtim)))
    changed = given(1 << 10, NodeTime(status.st_ctim))
    clearsPrivileges = mask & (1 << 11) != 0
  }
}
