import Glibc
public import SystemIO

/// A thread that runs one piece of work and ends.
public struct Worker: Sendable {
  private let thread: pthread_t

  private final class Work {
    let body: @Sendable () -> Void

    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }

  /// Starts it. Whoever does waits for it with `join`, or lets it go with `detach`.
  public init(_ body: @escaping @Sendable () -> Void) throws(Errno) {
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
      throw Errno(rawValue: result)
    }
    self.thread = thread
  }

  /// Waits until the work is done.
  public func join() { pthread_join(thread, nil) }

  /// Lets it run on by itself.
  public func detach() { pthread_detach(thread) }

  /// Runs `body` for the numbers of a range, on at most `jobs` threads at a time, and waits for all.
  public static func forEach(
    _ numbers: ClosedRange<Int>, jobs: Int, _ body: @escaping @Sendable (Int) -> Void
  ) throws(Errno) {
    let next = Monitor(numbers.lowerBound)
    var workers: [Worker] = []
    for _ in 0..<min(jobs, numbers.count) {
      do throws(Errno) {
        let worker = try Worker {
          while true {
            let number = next.withLock { number in
              defer { number += 1 }
              return number
            }
            if number > numbers.upperBound { return }
            body(number)
          }
        }
        workers.append(worker)
      } catch {
        // Fewer threads do the same work; none cannot.
        if workers.isEmpty { throw error }
        break
      }
    }
    for worker in workers { worker.join() }
  }
}
