import Glibc
public import SystemIO

/// The directory in which a daemon that only reads its store keeps what another one keeps in the store: sockets, log and records.
///
/// Its name follows from the user, and from the device and inode of the store's directory, so that all processes of a user agree on it, by whatever
/// paths they know the store. It is below `/run/user/UID`, or in `/tmp` where that does not exist. Others can make directories in `/tmp`, so
/// each part is opened without following links, and used only if it is this user's alone.
public struct RuntimeDirectory: Sendable {
  private struct Place {
    let parent: String
    let names: [String]
  }

  /// In `/run/user/UID`, which comes and goes with logins.
  private let ofLogin: Place
  private let temporary: Place

  /// The runtime directory for the store at a path.
  public init(of store: String) throws(Errno) {
    let identity = try FileIdentity(of: FileDescriptor(naming: store))
    let name = "\(identity.device)-\(identity.inode)"
    let user = geteuid()
    ofLogin = Place(parent: "/run/user/\(user)", names: ["tine", name])
    temporary = Place(parent: "/tmp", names: ["tine-\(user)", name])
  }

  /// Where it is, for people.
  public var path: String {
    let place = presentPlace
    return ([place.parent] + place.names).joined(separator: "/")
  }

  private var presentPlace: Place {
    var status = stat()
    let hasLogin = lstat(ofLogin.parent, &status) == 0 && Self.isOwn(status)
    return hasLogin ? ofLogin : temporary
  }

  /// Opens it, and makes it if it does not exist.
  ///
  /// - Throws: `conflict` if something that is not this user's alone has its place.
  public func make() throws(Failure) -> FileDescriptor {
    try Self.open(presentPlace, making: true)
  }

  /// Gives `body` each one that exists, opened, until it returns something. What is not this user's alone holds no daemon of theirs.
  /// A daemon may have begun before a login, or outlive it, so both places are looked at.
  public func first<Value>(
    _ body: (consuming FileDescriptor) throws(Failure) -> Value?
  ) throws(Failure) -> Value? where Value: ~Copyable {
    for place in [ofLogin, temporary] {
      guard let directory = try? Self.open(place, making: false) else { continue }
      if let value = try body(directory) { return value }
    }
    return nil
  }

  private static func open(_ place: Place, making: Bool) throws(Failure) -> FileDescriptor {
    var path = place.parent
    do throws(Errno) {
      var directory = try FileDescriptor(opening: path, flags: O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
      for name in place.names {
        path += "/" + name
        if making, mkdirat(directory.rawValue, name, 0o700) != 0, Errno.last != .exists { throw Errno.last }
        directory = try FileDescriptor(opening: name, in: directory, flags: O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
        try check(directory)
      }
      return directory
    } catch {
      throw Failure(
        .conflict, "\(path.quoted) cannot hold the sockets of the daemon: \(error)",
        hint: "it must be a directory of user \(geteuid()) with mode 0700: remove it, or have its owner remove it")
    }
  }

  private static func check(_ directory: borrowing FileDescriptor) throws(Errno) {
    var status = stat()
    try retryingInterrupts { fstat(directory.rawValue, &status) }
    guard isOwn(status) else { throw .notPermitted }
  }

  private static func isOwn(_ status: stat) -> Bool {
    status.st_mode & S_IFMT == S_IFDIR && status.st_mode & 0o777 == 0o700 && status.st_uid == geteuid()
  }

  // MARK: The lock

  /// Locks the directory, unless another process has: then `wouldBlock` is thrown. The lock ends with the last copy of the descriptor.
  public static func lock(_ directory: borrowing FileDescriptor) throws(Errno) {
    try retryingInterrupts { flock(directory.rawValue, LOCK_EX | LOCK_NB) }
  }

  /// Whether a daemon of this user reads the store, even if it does not answer at the moment.
  public var isLocked: Bool {
    let locked = try? first { (directory: consuming FileDescriptor) throws(Failure) -> Bool? in
      flock(directory.rawValue, LOCK_SH | LOCK_NB) != 0 && Errno.last == .wouldBlock ? true : nil
    }
    return locked ?? false
  }
}
