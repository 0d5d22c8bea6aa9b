public import CPosix
import Glibc
public import SystemIO

/// A thread that acts as some user and group, with supplementary groups, a umask and a working directory of its own.
/// What it is given to run is run while the giver waits; one thing at a time.
public final class Caller: Sendable {
  private struct State {
    var work: (() -> Void)?
    var isDone = false
    var isOver = false
  }

  private let state: Monitor<State>
  private let turn = Monitor(())
  private let thread: pthread_t

  /// Who is not root gives up every capability. Needs root.
  ///
  /// - Parameter root: all that this caller sees, and its working directory: chroot(2).
  public init(
    user: uid_t, group: gid_t, groups: [gid_t] = [], umask: mode_t = 0o022, root: String? = nil
  ) throws(Errno) {
    let state = Monitor(State())
    self.state = state
    thread = startThread { Self.serve(state) }
    try run { () throws(Errno) in
      try retryingInterrupts { posix_become(user, group, groups, groups.count, umask, root) }
    }
  }

  deinit {
    state.notifyAll { $0.isOver = true }
    pthread_join(thread, nil)
  }

  /// Runs `body` as this caller.
  @discardableResult
  public func run<Value, Failure: Error>(_ body: () throws(Failure) -> Value) throws(Failure) -> Value {
    var result: Result<Value, Failure>?
    withoutActuallyEscaping({ result = Result(catching: body) }) { work in
      turn.withLock { _ in
        state.notifyAll { $0.work = work }
        state.wait { $0.isDone ? $0.isDone = false : nil }
      }
    }
    return try result!.get()
  }

  private static func serve(_ state: Monitor<State>) {
    while runNext(state) { state.notifyAll { $0.isDone = true } }
  }

  /// Waits for work, runs it, and lets go of it before its giver goes on. False when there will be no more.
  private static func runNext(_ state: Monitor<State>) -> Bool {
    let work: (() -> Void)?? = state.wait { state in
      if state.isOver { return .some(nil) }
      guard let work = state.work else { return nil }
      state.work = nil
      return .some(work)
    }
    guard let work = work ?? nil else { return false }
    work()
    return true
  }
}

private func startThread(_ body: @escaping () -> Void) -> pthread_t {
  final class Body {
    let run: () -> Void
    init(_ run: @escaping () -> Void) { self.run = run }
  }
  var thread = pthread_t()
  let result = pthread_create(
    &thread, nil,
    { context in
      Unmanaged<Body>.fromOpaque(context!).takeRetainedValue().run()
      return nil
    }, Unmanaged.passRetained(Body(body)).toOpaque())
  precondition(result == 0, "a thread can't be made")
  return thread
}
