import CLinux
import Glibc
import SystemIO

/// What tells whether two files of the host are one.
struct HostIdentity: Hashable, Sendable {
  private let device: UInt
  private let inode: UInt

  init(_ status: stat) {
    device = UInt(status.st_dev)
    inode = UInt(status.st_ino)
  }

  func isOnDevice(of other: HostIdentity) -> Bool { device == other.device }
}

/// An open directory of the host.
///
/// What is in it is named by single names, which lead to nothing but its own entries: symbolic links are not followed, and paths are not
/// put together. So neither the length of paths nor somebody who moves or replaces directories meanwhile leads anywhere else.
final class HostDirectory: Sendable {
  let descriptor: FileDescriptor
  let identity: HostIdentity
  let place: TreePath

  init(_ descriptor: consuming FileDescriptor, at place: TreePath) throws(Errno) {
    var status = stat()
    try retryingInterrupts { fstat(descriptor.rawValue, &status) }
    identity = HostIdentity(status)
    self.descriptor = descriptor
    self.place = place
  }

  /// Opens what a descriptor of somebody else leads to, which may be one that only marks a place (O_PATH).
  convenience init(reopening other: borrowing FileDescriptor, at place: TreePath) throws(Errno) {
    try self.init(Self.open(other.rawValue, [UInt8(ascii: ".")], O_RDONLY | O_DIRECTORY), at: place)
  }

  /// Opens what a descriptor of somebody else leads to only to name things in it.
  convenience init(marking other: borrowing FileDescriptor, at place: TreePath) throws(Errno) {
    try self.init(FileDescriptor(owning: retryingInterrupts { linux_mark_directory(other.rawValue, ".") }), at: place)
  }

  /// Its parent, only to name things in it.
  func parent() throws(Errno) -> HostDirectory {
    try HostDirectory(
      FileDescriptor(owning: retryingInterrupts { linux_mark_directory(descriptor.rawValue, "..") }), at: place)
  }

  /// For messages.
  var path: [UInt8] { place.bytes }

  func path(of name: [UInt8]) -> [UInt8] { TreePath(name, in: place).bytes }

  var node: HostNode { HostNode(descriptor.rawValue) }

  func node(_ name: [UInt8]) -> HostNode { HostNode(descriptor.rawValue, entry: name) }

  func status() throws(Errno) -> stat {
    var status = stat()
    try retryingInterrupts { fstat(descriptor.rawValue, &status) }
    return status
  }

  func status(of name: [UInt8]) throws(Errno) -> stat {
    var status = stat()
    _ = try withName(name) { (name) throws(Errno) in
      try retryingInterrupts { linux_status(descriptor.rawValue, name, &status) }
    }
    return status
  }

  /// Whether there is an entry of that name.
  func holds(_ name: [UInt8]) throws(Errno) -> Bool {
    do throws(Errno) { _ = try status(of: name) } catch {
      guard error == .noSuchFile else { throw error }
      return false
    }
    return true
  }

  func readlink(_ name: [UInt8]) throws(Errno) -> [UInt8] {
    var target = [UInt8](repeating: 0, count: 4096)
    let count = try withName(name) { (name) throws(Errno) in
      try retryingInterrupts {
        target.withUnsafeMutableBytes {
          readlinkat(descriptor.rawValue, name, $0.baseAddress!.assumingMemoryBound(to: CChar.self), $0.count)
        }
      }
    }
    return [UInt8](target[..<count])
  }

  // MARK: Opening

  func open(_ name: [UInt8], _ flags: Int32, _ permissions: mode_t = 0) throws(Errno) -> FileDescriptor {
    try Self.open(descriptor.rawValue, name, flags, permissions)
  }

  func openDirectory(_ name: [UInt8]) throws(Errno) -> HostDirectory {
    try HostDirectory(open(name, O_RDONLY | O_DIRECTORY), at: TreePath(name, in: place))
  }

  private static func open(
    _ directory: Int32, _ name: [UInt8], _ flags: Int32, _ permissions: mode_t = 0
  ) throws(Errno) -> FileDescriptor {
    FileDescriptor(
      owning: try withName(name) { (name) throws(Errno) in
        try retryingInterrupts { openat(directory, name, flags | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, permissions) }
      })
  }

  // MARK: Changing

  /// Makes a directory that nobody else may use, whatever the umask and the lists that it inherits say.
  func makeDirectory(_ name: [UInt8]) throws(Errno) -> HostDirectory {
    _ = try withName(name) { (name) throws(Errno) in
      try retryingInterrupts { mkdirat(descriptor.rawValue, name, 0o700) }
    }
    do throws(Errno) { return try openOwnDirectory(name) } catch {
      try unlink(name, AT_REMOVEDIR)
      throw error
    }
  }

  /// Opens a directory that this process has made, and that it may have closed to itself.
  func openOwnDirectory(_ name: [UInt8]) throws(Errno) -> HostDirectory {
    do throws(Errno) { return try openDirectory(name) } catch {
      guard error == .accessDenied else { throw error }
      try node(name).setMode(0o700)
      return try openDirectory(name)
    }
  }

  func link(_ name: [UInt8], to directory: HostDirectory, as newName: [UInt8]) throws(Errno) {
    _ = try withName(name) { (name) throws(Errno) in
      try withName(newName) { (newName) throws(Errno) in
        try retryingInterrupts { linkat(descriptor.rawValue, name, directory.descriptor.rawValue, newName, 0) }
      }
    }
  }

  func symlink(_ target: [UInt8], _ name: [UInt8]) throws(Errno) {
    _ = try withName(target) { (target) throws(Errno) in
      try withName(name) { (name) throws(Errno) in
        try retryingInterrupts { symlinkat(target, descriptor.rawValue, name) }
      }
    }
  }

  func makeNode(_ name: [UInt8], mode: UInt32, device: UInt32) throws(Errno) {
    _ = try withName(name) { (name) throws(Errno) in
      try retryingInterrupts { mknodat(descriptor.rawValue, name, mode, dev_t(device)) }
    }
  }

  /// Removes an entry, with `AT_REMOVEDIR` an empty directory.
  func unlink(_ name: [UInt8], _ flags: Int32 = 0) throws(Errno) {
    _ = try withName(name) { (name) throws(Errno) in
      try retryingInterrupts { unlinkat(descriptor.rawValue, name, flags) }
    }
  }

  /// Renames an entry, and throws `exists` where the new name is taken. File systems that cannot promise that replace an empty directory.
  func rename(_ name: [UInt8], to newName: [UInt8]) throws(Errno) {
    _ = try withName(name) { (name) throws(Errno) in
      try withName(newName) { (newName) throws(Errno) in
        do throws(Errno) {
          return try retryingInterrupts { linux_rename_without_replacing(descriptor.rawValue, name, newName) }
        } catch {
          guard [.invalidArgument, .notImplemented, .notSupported].contains(error) else { throw error }
          return try retryingInterrupts { renameat(descriptor.rawValue, name, descriptor.rawValue, newName) }
        }
      }
    }
  }
}

/// A name as C wants it: with a zero behind it.
func withName<Result>(
  _ name: [UInt8], _ body: (UnsafePointer<CChar>) throws(Errno) -> Result
) throws(Errno) -> Result {
  try (name + [0]).withUnsafeBytesTyped { (bytes) throws(Errno) in
    try body(bytes.baseAddress!.assumingMemoryBound(to: CChar.self))
  }
}
