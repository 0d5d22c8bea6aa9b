import Glibc
public import SystemIO

/// Why a directory cannot be mounted on, or unmounted.
public struct MountError: Error, Sendable, CustomStringConvertible {
  public enum Reason: Sendable, Equatable {
    case missing
    case notDirectory
    /// A file system of the same kind is mounted there already, or somebody uses the one to unmount.
    case busy
    case notMounted
    /// Another file system is mounted over it.
    case covered
    /// The directory is in another mount namespace, or out of this process's root directory.
    case elsewhere
    case notPermitted
    /// The kernel or the container has no FUSE.
    case noDevice
    /// The device /dev/fuse may not be opened.
    case deviceForbidden
    /// `fusermount3` refused or is missing; what it says goes to the log.
    case helperFailed
    case failed(Errno)
  }

  public let reason: Reason
  public let path: String

  public init(_ reason: Reason, _ path: String) {
    self.reason = reason
    self.path = path
  }

  public init(errno error: Errno, _ path: String) {
    let reason: Reason =
      switch error {
      case .noSuchFile: .missing
      case .notDirectory: .notDirectory
      case .busy: .busy
      case .invalidArgument: .notMounted
      case .notPermitted, .accessDenied: .notPermitted
      case .noDevice: .noDevice
      default: .failed(error)
      }
    self.init(reason, path)
  }

  init(noDevice error: Errno, _ path: String) {
    let isForbidden = error == Errno.accessDenied || error == Errno.notPermitted
    self.init(isForbidden ? .deviceForbidden : .noDevice, path)
  }

  /// `fusermount3` opens the device with the rights of who calls it.
  init(helperFailedAt path: String) {
    let isOpenable = access("/dev/fuse", R_OK | W_OK) == 0
    self.init(isOpenable || Errno.last != .accessDenied ? .helperFailed : .deviceForbidden, path)
  }

  public var description: String {
    let path = path.quoted
    return switch reason {
    case .missing: "\(path): no such directory"
    case .notDirectory: "\(path) is not a directory"
    case .busy: "\(path) is in use"
    case .notMounted: "\(path) is not mounted"
    case .covered: "another file system is mounted over \(path)"
    case .elsewhere: "\(path) is in another mount namespace than this process"
    case .notPermitted: "\(path): not permitted"
    case .noDevice: "\(path): FUSE is not available here (/dev/fuse)"
    case .deviceForbidden: "\(path): /dev/fuse may not be opened"
    case .helperFailed: "\(path): fusermount3 could not mount"
    case .failed(let error): "\(path): \(error)"
    }
  }
}
