import Glibc
public import SystemIO

/// A directory to mount on, as this process sees it. A client passes it to the daemon as a descriptor, because its path may mean
/// something else there.
public struct MountDirectory: ~Copyable {
  public let descriptor: FileDescriptor
  /// Whether it was made for the mount.
  public let isNew: Bool
  private let path: String

  /// Opens it, and makes it before if the request wants that and it does not exist.
  public init(_ request: MountRequest) throws(Failure) {
    guard let path = String(validating: request.directory.bytes, as: UTF8.self) else {
      throw Failure(
        .notSupported, "\(request.directory.quoted): a mount point must have a name in UTF-8",
        hint: "mount at a directory with such a path")
    }
    let isNew = request.makesDirectory ? try Self.make(path) : false
    let descriptor: FileDescriptor
    do throws(Errno) {
      descriptor = try FileDescriptor(naming: path)
    } catch {
      let hint = error == .noSuchFile ? "make the directory first" : nil
      throw Failure(
        .conflict, error == .noSuchFile ? "\(path.quoted): no such directory" : "\(path.quoted): \(error)", hint: hint)
    }
    self.descriptor = descriptor
    self.isNew = isNew
    self.path = path
  }

  /// Another descriptor of it.
  public borrowing func copy() throws(Failure) -> FileDescriptor {
    do throws(Errno) {
      return FileDescriptor(owning: try retryingInterrupts { fcntl(descriptor.rawValue, F_DUPFD_CLOEXEC, 3) })
    } catch {
      throw Failure(.failed, "\(path.quoted): \(error)")
    }
  }

  /// Removes it again, if it was made.
  public consuming func undo() {
    if isNew { rmdir(path) }
  }

  /// Refuses a directory that leads to the store: a mount there would hide the store from whoever uses it by this path.
  func check(against store: String) throws(Failure) {
    let isAbove: Bool
    do throws(Errno) {
      isAbove = try FileIdentity.ancestry(of: try FileDescriptor(naming: store)).contains(FileIdentity(of: descriptor))
    } catch {
      // A dead mount on it is the daemon's to take away.
      if error == .notConnected { return }
      throw Failure(.failed, "\(path.quoted): \(error)")
    }
    if isAbove { throw .hidesStore(path) }
  }

  /// True if it did not exist.
  private static func make(_ path: String) throws(Failure) -> Bool {
    if let slash = path.lastIndex(of: "/"), slash != path.startIndex { mkdir(String(path[..<slash]), 0o700) }
    if mkdir(path, 0o700) == 0 { return true }
    if Errno.last == .exists { return false }
    throw Failure(.failed, "cannot make the directory \(path.quoted): \(Errno.last)")
  }
}

extension Failure {
  /// The refusal of a mount on the store, above it or inside of it.
  public static func hidesStore(_ path: String) -> Failure {
    Failure(
      .conflict, "\(path.quoted) holds the store, is part of it, or is the store itself: a mount would hide it",
      hint: "mount at a directory beside the store")
  }
}
