import Glibc
import Synchronization

/// Decides whether a thread without work asks for more for a moment before it sleeps.
///
/// Waking a thread on a halted virtual CPU takes some 50 µs, ten times what a request takes. Asking costs CPU, though, so a
/// session does it only while requests follow one another closely, one session at a time does it, and none on a single CPU.
struct AdaptivePolling {
  /// How long to ask, in nanoseconds.
  static let window: UInt64 = 50_000
  private static let isSlotTaken = AtomicFlag()
  private static let hasSeveralCPUs = sysconf(Int32(_SC_NPROCESSORS_ONLN)) > 1

  /// Grows with requests that came soon, shrinks with each vain attempt; at zero the thread sleeps at once.
  private var credit = 0
  private static let fullCredit = 8

  /// Calls `attempt` until it returns something or the moment is over.
  mutating func poll<Result, Failure: Error>(
    _ attempt: () throws(Failure) -> Result?
  ) throws(Failure) -> Result? {
    guard credit > 0, Self.hasSeveralCPUs, Self.isSlotTaken.set() else { return nil }
    defer { Self.isSlotTaken.clear() }
    let deadline = Self.now() + Self.window
    repeat {
      if let result = try attempt() {
        credit = min(credit + 2, Self.fullCredit)
        return result
      }
    } while Self.now() < deadline
    credit -= 1
    return nil
  }

  /// Notes a sleep: a short one would have been worth polling instead.
  mutating func hasSlept(since start: UInt64) {
    let wakeUp: UInt64 = 60_000
    if credit == 0, Self.now() - start < Self.window + wakeUp { credit = 2 }
  }

  /// The monotonic clock in nanoseconds.
  static func now() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }
}
