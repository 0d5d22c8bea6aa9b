import CLinux
import Glibc
import SystemIO

/// A FUSE file system that is mounted. It is known by its device, for its directory may be renamed, or have another mount on it.
public struct MountPoint: Sendable {
  /// The absolute path without symbolic links at which it was mounted.
  public let path: String
  /// The file system's device number; nil as long as nobody has asked it, so that only the path is known.
  public let device: UInt64?

  public init(resolved path: String, device: UInt64? = nil) {
    self.path = path
    self.device = device
  }

  /// The directories at which it is mounted now, in the mount namespace of this process.
  public var places: [String] {
    guard let device else { return [path] }
    // If the list cannot be read, the path is the best answer there is.
    do throws(Errno) { return try MountInfo.places(of: device) } catch { return [path] }
  }

  /// Unmounts it wherever it is mounted: at once, or when the last who uses it is done, if `lazily`.
  public func unmount(lazily: Bool) throws(MountError) {
    let places = places
    if places.isEmpty { throw MountError(.notMounted, path) }
    for place in places.reversed() { try unmount(at: place, lazily: lazily) }
  }

  /// Unmounts it at one directory.
  public func unmount(at place: String, lazily: Bool) throws(MountError) {
    try checkIsOnTop(of: place)
    guard linux_unmount(place, lazily) != 0 else { return }
    let error = Errno.last
    guard error == .notPermitted, geteuid() != 0 else { throw MountError(errno: error, place) }
    let arguments = ["fusermount3", "-u", "-q"] + (lazily ? ["-z"] : []) + ["--", place]
    guard run(arguments) else { throw MountError(.busy, place) }
  }

  /// Unmounting takes what is on top of a path, which may be another file system.
  private func checkIsOnTop(of place: String) throws(MountError) {
    guard let device else { return }
    let top: MountInfo?
    do throws(Errno) { top = try MountInfo.top(at: place) } catch { throw MountError(errno: error, place) }
    guard let top else { throw MountError(.notMounted, place) }
    guard top.has(device: device) else { throw MountError(.covered, place) }
  }

  /// Ends the connection and unmounts it: whoever still uses it gets ENOTCONN. Only root may; false if that could not be done.
  public func unmountByForce() -> Bool {
    let places = places
    guard !places.isEmpty else { return false }
    return places.reversed().reduce(true) { isDone, place in
      do throws(MountError) { try checkIsOnTop(of: place) } catch { return false }
      return linux_unmount_by_force(place) == 0 && isDone
    }
  }

  /// Opens the root directory of the file system.
  ///
  /// - Throws: the error of open(2); `.noSuchFile` if it cannot be found in this mount namespace.
  func openRoot() throws(Errno) -> FileDescriptor {
    guard let device else { return try Self.open(path) }
    // It is where it was mounted, unless somebody renamed a directory or mounted something over it.
    var failure = Errno.noSuchFile
    for place in [path] + places.reversed() {
      do throws(Errno) {
        let root = try Self.open(place)
        if try Self.device(of: root) == device { return root }
      } catch { failure = error }
    }
    throw failure
  }

  private static func open(_ path: String) throws(Errno) -> FileDescriptor {
    try FileDescriptor(opening: path, flags: O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
  }

  private static func device(of file: borrowing FileDescriptor) throws(Errno) -> UInt64 {
    try FileIdentity(of: file).device
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
