import Glibc
import Synchronization
import SystemIO

/// Runs the work on as many threads at once, and returns when all have ended. The first error is thrown.
public func onThreads(_ count: Int, _ work: @escaping @Sendable (_ index: Int) throws -> Void) throws {
  struct State {
    var running: Int
    var failure: (any Error)?
  }
  let state = Monitor(State(running: count))
  for index in 0..<count {
    startThread {
      do {
        try work(index)
        state.notifyAll { $0.running -= 1 }
      } catch {
        state.notifyAll {
          $0.running -= 1
          $0.failure = $0.failure ?? error
        }
      }
    }
  }
  if let failure = state.wait({ $0.running == 0 ? .some($0.failure) : nil }) { throw failure }
}

private final class Work: Sendable {
  let body: @Sendable () -> Void
  init(_ body: @escaping @Sendable () -> Void) { self.body = body }
}

private func startThread(_ body: @escaping @Sendable () -> Void) {
  var thread = pthread_t()
  let context = Unmanaged.passRetained(Work(body)).toOpaque()
  let result = pthread_create(
    &thread, nil,
    { context in
      Unmanaged<Work>.fromOpaque(context!).takeRetainedValue().body()
      return nil
    }, context)
  precondition(result == 0, "a thread can't be made")
  pthread_detach(thread)
}
