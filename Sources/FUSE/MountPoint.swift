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

  public init(source: String, subtype: String, isReadOnly: Bool = false) {
    self.source = source
    self.subtype = subtype
    self.isReadOnly = isReadOnly
  }
}

/// A directory on which a FUSE file system is mounted.
///
/// The kernel checks permissions. Mounted by root, the file system serves every user, with set-user-ID programs and
/// devices; mounted by anybody else (through `fusermount3`), it serves that user only, without them.
public struct MountPoint: Sendable {
  /// The absolute path without symbolic links.
  public let path: String

  /// Looks at a directory where something is to be mounted. What a dead process left mounted there is cleared away.
  public init(_ path: String, subtype: String) throws(MountError) {
    self.path = try Self.resolve(path)
    while MountTable.type(at: self.path) == "fuse.\(subtype)" {
      guard Self.isDead(self.path) else { throw MountError(.busy, path) }
      try unmount(lazily: true)
    }
    var status = stat()
    guard stat(self.path, &status) == 0 else { throw MountError(errno: .last, path) }
    guard status.st_mode & S_IFMT == S_IFDIR else { throw MountError(.notDirectory, path) }
  }

  /// A directory on which something is mounted already, as `path` gave it.
  public init(resolved path: String) { self.path = path }

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
    guard linux_mount_fuse(options.source, path, type, options.isReadOnly, data) == 0 else {
      throw MountError(errno: .last, path)
    }
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

  /// Takes the file system off its directory: at once, or when the last who uses it is done, if `lazily`.
  public func unmount(lazily: Bool) throws(MountError) {
    guard linux_unmount(path, lazily) != 0 else { return }
    let error = Errno.last
    guard error == .notPermitted, geteuid() != 0 else { throw MountError(errno: error, path) }
    let arguments = ["fusermount3", "-u", "-q"] + (lazily ? ["-z"] : []) + ["--", path]
    guard run(arguments) else { throw MountError(.busy, path) }
  }

  /// Whether the file system with this device number is mounted here.
  public func holds(_ device: UInt64) -> Bool { MountTable.holds(dev_t(device), at: path) ?? true }

  private static func resolve(_ path: String) throws(MountError) -> String {
    if let resolved = realpath(path, nil) {
      defer { free(resolved) }
      return String(cString: resolved)
    }
    guard Errno.last == .notConnected, let slash = path.lastIndex(of: "/") else { throw MountError(errno: .last, path) }
    // The path itself is a dead mount: what leads to it can still be resolved.
    let name = path[path.index(after: slash)...]
    let parent = slash == path.startIndex ? "/" : String(path[..<slash])
    return try resolve(parent) + "/" + name
  }

  /// Whether the process is gone that served the FUSE file system mounted here. Attributes may be cached; statistics never
  /// are.
  private static func isDead(_ path: String) -> Bool {
    var statistics = statvfs()
    return statvfs(path, &statistics) != 0 && Errno.last == .notConnected
  }
}

/// Runs a program and waits for it; false when it fails.
private func run(_ arguments: [String]) -> Bool {
  var pointers: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
  defer { for pointer in pointers { free(pointer) } }
  var process = pid_t()
  guard posix_spawnp(&process, arguments[0], nil, nil, &pointers, environ) == 0 else { return false }
  var status: Int32 = 0
  while waitpid(process, &status, 0) < 0 {
    if Errno.last != .interrupted { return false }
  }
  return status == 0
}
