import Glibc
import Processes
import SystemIO

/// The lock file by which a process owns a store.
struct StoreLock {
  private let path: String

  init(of directory: String) { path = directory + "/lock" }

  /// Waits until nobody holds the lock; false where that takes too long.
  ///
  /// flock(2) has no time limit, so a thread waits in it. One that waits in vain ends with this process.
  func wait(until deadline: ContinuousClock.Instant) -> Bool {
    let (seconds, attoseconds) = ContinuousClock.now.duration(to: deadline).components
    let left = Int(seconds) * 1000 + Int(attoseconds / 1_000_000_000_000_000)
    guard left > 0 else { return false }
    let outcome = Monitor<Bool?>(nil)
    let path = path
    do throws(Errno) {
      try Worker {
        let isFree = Self.waitForever(path)
        outcome.notifyAll { $0 = isFree }
      }.detach()
    } catch {
      return false
    }
    return outcome.wait(atMost: left) { $0 } ?? false
  }

  private static func waitForever(_ path: String) -> Bool {
    do throws(Errno) {
      let file = try FileDescriptor(opening: path, flags: O_RDWR)
      try retryingInterrupts { flock(file.rawValue, LOCK_EX) }
      return true
    } catch {
      return false
    }
  }
}
