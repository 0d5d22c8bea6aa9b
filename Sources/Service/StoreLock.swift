import CLinux
import Control
import Glibc
import SystemIO

/// The lock file by which a process owns a store.
public struct StoreLock: Sendable {
  private let directory: String
  private let path: String

  public init(of directory: String) {
    self.directory = directory
    path = directory + "/lock"
  }

  /// Whether a daemon of this user has the store open for reading only, even if it does not answer at the moment.
  public var isReadByDaemon: Bool { (try? RuntimeDirectory(of: directory))?.isLocked ?? false }

  /// Whether nobody owns the store at this moment. A store that cannot be written to may be read by others.
  private var isFree: Bool {
    if isReadByDaemon { return false }
    do throws(Errno) {
      let file = try open()
      let isReadOnly = DirectoryStorage.isReadOnly(at: directory)
      try retryingInterrupts {
        isReadOnly ? linux_try_lock_shared(file.rawValue) : linux_try_lock_exclusively(file.rawValue)
      }
      return true
    } catch {
      // What else is wrong with it is told where the store is opened.
      return error != .wouldBlock
    }
  }

  private func open() throws(Errno) -> FileDescriptor {
    do throws(Errno) { return try FileDescriptor(opening: path, flags: O_RDWR | Self.flags) } catch {
      // Of a store that cannot be written to.
      guard error.meansReadOnly else { throw error }
      return try FileDescriptor(opening: path, flags: O_RDONLY | Self.flags)
    }
  }

  /// Waits until nobody owns the store, `milliseconds` at most; false where somebody still does.
  public func wait(atMost milliseconds: Int) -> Bool { wait(until: .now.advanced(by: .milliseconds(milliseconds))) }

  /// flock(2) knows no time limit, so it looks again and again.
  func wait(until deadline: ContinuousClock.Instant) -> Bool {
    while !isFree {
      guard ContinuousClock.now < deadline else { return false }
      usleep(Self.pause)
    }
    return true
  }

  /// Something else in its place is neither followed nor waited for.
  private static let flags = O_NOFOLLOW | O_NONBLOCK

  /// In microseconds.
  private static let pause: UInt32 = 10_000
}
