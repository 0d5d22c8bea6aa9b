import Glibc
import Synchronization
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
    let waiting = Thread {
      var isFree = false
      if let file = try? FileDescriptor(opening: path, flags: O_RDWR) {
        isFree = flock(file.rawValue, LOCK_EX) == 0
      }
      outcome.notifyAll { $0 = isFree }
    }
    guard waiting.start() else { return false }
    return outcome.wait(atMost: left) { $0 } ?? false
  }
}

/// A thread that runs one piece of work and ends.
private struct Thread {
  private final class Work {
    let body: @Sendable () -> Void

    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }

  private let body: @Sendable () -> Void

  init(_ body: @escaping @Sendable () -> Void) { self.body = body }

  /// Starts it; false where the machine has no more threads.
  func start() -> Bool {
    var thread = pthread_t()
    let work = Unmanaged.passRetained(Work(body))
    let result = pthread_create(
      &thread, nil,
      { work in
        Unmanaged<Work>.fromOpaque(work!).takeRetainedValue().body()
        return nil
      }, work.toOpaque())
    if result != 0 {
      work.release()
      return false
    }
    pthread_detach(thread)
    return true
  }
}
