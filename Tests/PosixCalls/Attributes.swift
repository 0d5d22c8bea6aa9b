public import CPosix
public import Glibc
public import SystemIO

/// A time of a file: seconds since 1970, before or after, and nanoseconds on from there.
public struct FileTime: Hashable, Comparable, Sendable {
  public var seconds: Int64
  public var nanoseconds: UInt32

  public init(_ seconds: Int64, _ nanoseconds: UInt32 = 0) {
    self.seconds = seconds
    self.nanoseconds = nanoseconds
  }

  /// What the kernel marks files with: CLOCK_REALTIME_COARSE.
  public static var clock: FileTime {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME_COARSE, &time)
    return FileTime(Int64(time.tv_sec), UInt32(time.tv_nsec))
  }

  public static func < (a: FileTime, b: FileTime) -> Bool {
    (a.seconds, a.nanoseconds) < (b.seconds, b.nanoseconds)
  }
}

/// What utimensat(2) is to do with a time.
public enum NewTime: Hashable, Sendable {
  case now, omit
  case at(FileTime)

  fileprivate var specification: timespec {
    switch self {
    case .now: timespec(tv_sec: 0, tv_nsec: Int(posix_UTIME_NOW))
    case .omit: timespec(tv_sec: 0, tv_nsec: Int(posix_UTIME_OMIT))
    case .at(let time): timespec(tv_sec: Int(time.seconds), tv_nsec: Int(time.nanoseconds))
    }
  }
}

/// What statx(2) tells of a file.
public struct Status: Hashable, Sendable {
  /// Kind and permissions, as in `st_mode`.
  public var mode: mode_t
  public var links: UInt32
  public var user: uid_t
  public var group: gid_t
  public var size: UInt64
  /// In units of 512 bytes.
  public var blocks: UInt64
  public var inode: UInt64
  /// Of the file system.
  public var device: UInt64
  /// That a device node stands for.
  public var specialDevice: UInt64
  public var accessed: FileTime
  public var modified: FileTime
  public var changed: FileTime
  /// When the file was made, where the file system knows.
  public var born: FileTime?

  public var kind: mode_t { mode & S_IFMT }
  public var permissions: mode_t { mode & 0o7777 }
  public var isDirectory: Bool { kind == S_IFDIR }

  fileprivate init(_ statx: statx) {
    mode = mode_t(statx.stx_mode)
    links = statx.stx_nlink
    user = statx.stx_uid
    group = statx.stx_gid
    size = statx.stx_size
    blocks = statx.stx_blocks
    inode = statx.stx_ino
    device = UInt64(statx.stx_dev_major) << 32 | UInt64(statx.stx_dev_minor)
    specialDevice = UInt64(statx.stx_rdev_major) << 32 | UInt64(statx.stx_rdev_minor)
    accessed = FileTime(statx.stx_atime.tv_sec, statx.stx_atime.tv_nsec)
    modified = FileTime(statx.stx_mtime.tv_sec, statx.stx_mtime.tv_nsec)
    changed = FileTime(statx.stx_ctime.tv_sec, statx.stx_ctime.tv_nsec)
    born = statx.stx_mask & 0x800 == 0 ? nil : FileTime(statx.stx_btime.tv_sec, statx.stx_btime.tv_nsec)
  }

  fileprivate init(_ directory: Int32, _ path: Path, _ flags: Int32) throws(Errno) {
    var status = statx()
    try retryingInterrupts { path.withCString { statx(directory, $0, flags, 0xfff, &status) } }
    self.init(status)
  }
}

extension Path {
  public func status(followsLink: Bool = false) throws(Errno) -> Status {
    try Status(AT_FDCWD, self, followsLink ? 0 : posix_AT_SYMLINK_NOFOLLOW)
  }

  /// chmod(2), which follows symbolic links.
  public func setMode(_ mode: mode_t) throws(Errno) { try retryingInterrupts { withCString { chmod($0, mode) } } }

  /// chown(2) or lchown(2); nil leaves what is there.
  public func setOwner(user: uid_t? = nil, group: gid_t? = nil, followsLink: Bool = false) throws(Errno) {
    let flags = followsLink ? 0 : posix_AT_SYMLINK_NOFOLLOW
    try retryingInterrupts { withCString { fchownat(AT_FDCWD, $0, user ?? .max, group ?? .max, flags) } }
  }

  /// utimensat(2).
  public func setTimes(accessed: NewTime, modified: NewTime, followsLink: Bool = false) throws(Errno) {
    let times = [accessed.specification, modified.specification]
    let flags = followsLink ? 0 : posix_AT_SYMLINK_NOFOLLOW
    try retryingInterrupts { withCString { utimensat(AT_FDCWD, $0, times, flags) } }
  }

  /// Whether the caller may do what R_OK, W_OK and X_OK say: faccessat(2) with AT_EACCESS.
  public func checkAccess(_ mode: Int32) throws(Errno) {
    try retryingInterrupts { withCString { faccessat(AT_FDCWD, $0, mode, AT_EACCESS) } }
  }

  /// statvfs(3).
  public func fileSystemStatus() throws(Errno) -> statvfs {
    var status = statvfs()
    try retryingInterrupts { withCString { statvfs($0, &status) } }
    return status
  }
}

extension OpenFile {
  public func status() throws(Errno) -> Status { try Status(descriptor, "", posix_AT_EMPTY_PATH) }
  public func setMode(_ mode: mode_t) throws(Errno) { try retryingInterrupts { fchmod(descriptor, mode) } }

  public func setOwner(user: uid_t? = nil, group: gid_t? = nil) throws(Errno) {
    try retryingInterrupts { fchown(descriptor, user ?? .max, group ?? .max) }
  }

  public func setTimes(accessed: NewTime, modified: NewTime) throws(Errno) {
    let times = [accessed.specification, modified.specification]
    try retryingInterrupts { futimens(descriptor, times) }
  }
}
