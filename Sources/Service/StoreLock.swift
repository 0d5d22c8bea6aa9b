import CLinux
import Glibc
import SystemIO

/// The lock file by which a process owns a store.
public struct StoreLock: Sendable {
  private let path: String

  public init(of directory: String) { path = directory + "/lock" }

  /// Whether nobody owns the store at this moment.
  private var isFree: Bool {
    do throws(Errno) {
      let file = try open()
      try retryingInterrupts { linux_try_lock_exclusively(file.rawValue) }
      return true
    } catch {
      return error == .noSuchFile
    }
  }

  private func open() throws(Errno) -> FileDescriptor {
    do throws(Errno) { return try FileDescriptor(opening: path, flags: O_RDWR) } catch {
      // Of a store that cannot be written to.
      guard error == .readOnlyFileSystem || error == .accessDenied else { throw error }
      return try FileDescriptor(opening: path, flags: O_RDONLY)
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

  /// In microseconds.
  private static let pause: UInt32 = 10_000
}
