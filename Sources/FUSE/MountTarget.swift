import CFUSE
import CLinux
import Glibc
public import SystemIO

/// How a file system is mounted.
public struct MountOptions: Sendable {
  /// What mount(8) and df(1) show as the source.
  public var source: String
  /// The type is shown as `fuse.SUBTYPE`.
  public var subtype: String
  public var isReadOnly: Bool
  /// Whether set-user-ID programs and devices on it work, where root mounts. They must not if somebody else can write what is
  /// mounted in another way.
  public var isTrusted: Bool

  public init(source: String, subtype: String, isReadOnly: Bool = false, isTrusted: Bool = true) {
    self.source = source
    self.subtype = subtype
    self.isReadOnly = isReadOnly
    self.isTrusted = isTrusted
  }
}

/// A directory on which a FUSE file system can be mounted, held open: what its path leads to by then does not matter.
///
/// The kernel checks permissions. Mounted by root, the file system serves every user, with set-user-ID programs and
/// devices where it is trusted; mounted by anybody else (through `fusermount3`), it serves that user only, without them.
public struct MountTarget: ~Copyable, Sendable {
  /// Its absolute path without symbolic links, as this process sees it.
  public let path: String
  private let directory: FileDescriptor

  /// Looks a directory up by its path.
  public init(_ path: String, subtype: String) throws(MountError) {
    let directory: FileDescriptor
    do throws(Errno) { directory = try FileDescriptor(naming: path) } catch { throw MountError(errno: error, path) }
    try self.init(directory, describedAs: path, subtype: subtype)
  }

  /// Examines a directory that somebody has opened. A dead mount on it, left by a process that was killed, is unmounted first.
  ///
  /// - Parameters:
  ///   - description: what errors call it.
  ///   - subtype: that of the file system that is to be mounted. There is never more than one of a kind at a directory.
  public init(
    _ directory: consuming FileDescriptor, describedAs description: String, subtype: String
  ) throws(MountError) {
    var directory = directory
    var place = try Self.examine(directory, description, subtype)
    while place.holdsDeadMount {
      try MountPoint(resolved: place.path).unmount(lazily: true)
      do throws(Errno) { directory = try FileDescriptor(naming: place.path) } catch {
        throw MountError(errno: error, description)
      }
      place = try Self.examine(directory, description, subtype)
    }
    path = place.path
    self.directory = directory
  }

  /// Where a directory is, and whether a mount of the given kind is on it that nobody serves; `.busy` if somebody does.
  private static func examine(
    _ directory: borrowing FileDescriptor, _ description: String, _ subtype: String
  ) throws(MountError) -> (path: String, holdsDeadMount: Bool) {
    do throws(Errno) {
      let isDead = isDead(directory)
      if !isDead {
        var status = stat()
        try retryingInterrupts { fstat(directory.rawValue, &status) }
        guard status.st_mode & S_IFMT == S_IFDIR else { throw .notDirectory }
      }
      // A path means something in one mount namespace only.
      guard let mount = try MountInfo.mount(of: directory) else { throw .crossDevice }
      let path = try path(of: directory)
      guard mount.type == "fuse.\(subtype)", mount.path == path else { return (path, false) }
      guard isDead else { throw .busy }
      return (path, true)
    } catch {
      throw error == .crossDevice ? MountError(.elsewhere, description) : MountError(errno: error, description)
    }
  }

  /// Mounts, and returns the channel that a session serves.
  public func mount(_ options: MountOptions) throws(MountError) -> FileDescriptor {
    if geteuid() != 0 { return try mountThroughHelper(options) }
    do {
      return try mountDirectly(options)
    } catch {
      // Root in a container may not mount by itself.
      guard case .notPermitted = error.reason else { throw error }
      return try mountThroughHelper(options)
    }
  }

  /// Shows what is mounted at `point` here too. Only root may.
  ///
  /// - Parameter isThere: whether the file system is there still, so that what has its device number is not another one.
  public func mountAgain(_ point: MountPoint, if isThere: () -> Bool) throws(MountError) {
    do throws(Errno) {
      let root = try point.openRoot()
      guard isThere() else { throw .invalidArgument }
      try retryingInterrupts { linux_mount_again(Self.link(to: root), Self.link(to: directory)) }
    } catch {
      throw MountError(errno: error, path)
    }
  }

  private func mountDirectly(_ options: MountOptions) throws(MountError) -> FileDescriptor {
    let channel: FileDescriptor
    do {
      channel = try FileDescriptor(opening: "/dev/fuse", flags: O_RDWR)
    } catch {
      throw MountError(noDevice: error, path)
    }
    let data =
      "fd=\(channel.rawValue),rootmode=40000,user_id=\(getuid()),group_id=\(getgid()),default_permissions,allow_other"
    let type = "fuse.\(options.subtype)"
    let result = linux_mount_fuse(
      options.source, Self.link(to: directory), type, options.isReadOnly, options.isTrusted, data)
    guard result == 0 else { throw MountError(errno: .last, path) }
    return channel
  }

  /// Lets libfuse run `fusermount3`, in a session that only lives for it.
  private func mountThroughHelper(_ options: MountOptions) throws(MountError) -> FileDescriptor {
    var arguments = fuse_args()
    defer { fuse_opt_free_args(&arguments) }
    let flags = "-odefault_permissions," + (options.isReadOnly ? "ro" : "rw")
    let names = ["-ofsname=" + escaped(options.source), "-osubtype=" + escaped(options.subtype)]
    for argument in ["fuse", flags] + names {
      guard fuse_opt_add_arg(&arguments, argument) == 0 else { throw MountError(errno: .noMemory, path) }
    }
    Log.redirection
    var callbacks = fuse_lowlevel_ops()
    let session = fuse_session_new(&arguments, &callbacks, MemoryLayout<fuse_lowlevel_ops>.size, nil)
    guard let session else { throw MountError(errno: .noMemory, path) }
    defer { fuse_session_destroy(session) }
    guard fuse_session_mount(session, path) == 0 else { throw MountError(helperFailedAt: path) }
    let channel = fcntl(fuse_session_fd(session), F_DUPFD_CLOEXEC, 3)
    guard channel >= 0 else { throw MountError(errno: .last, path) }
    return FileDescriptor(owning: channel)
  }

  /// Options are separated by commas.
  private func escaped(_ option: String) -> String {
    var result = ""
    for character in option {
      if character == "," || character == "\\" { result.append("\\") }
      result.append(character)
    }
    return result
  }

  /// A path that leads to the open directory itself, whatever it is called.
  private static func link(to directory: borrowing FileDescriptor) -> String { "/proc/self/fd/\(directory.rawValue)" }

  private static func path(of directory: borrowing FileDescriptor) throws(Errno) -> String {
    var bytes = [UInt8](repeating: 0, count: Int(PATH_MAX))
    let count = try retryingInterrupts { readlink(link(to: directory), &bytes, bytes.count) }
    return String(decoding: bytes[..<count], as: UTF8.self)
  }

  /// Whether the process is gone that served the FUSE file system mounted here. Attributes may be cached; statistics never
  /// are.
  private static func isDead(_ directory: borrowing FileDescriptor) -> Bool {
    var statistics = statvfs()
    return fstatvfs(directory.rawValue, &statistics) != 0 && Errno.last == .notConnected
  }
}
