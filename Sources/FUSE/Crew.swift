import CLinux
import Glibc
import Synchronization
import SystemIO

/// The threads that serve sessions, shared by all sessions of the process.
///
/// A session always has one thread that reads its requests. When that thread is about to block, another one must take over
/// reading, so threads are started as they are needed, up to a limit; idle ones wait. Every session raises the limit by
/// its own reading thread: no number of sessions can use up the threads that may block.
public final class Crew: Sendable {
  typealias Job = @Sendable () -> Void

  private struct State {
    var idle: [Member] = []
    var count = 0
    var limit: Int
    var waiting: [Job] = []
  }

  /// A thread, which waits for its next job by itself: the last one to become idle is the first to work again.
  private final class Member: Sendable {
    let next = Monitor<Job?>(nil)
  }

  /// The crew that sessions use unless they are told otherwise.
  public static let shared = Crew(limit: 32)

  private let state: Mutex<State>

  /// - Parameter limit: how many threads may block at the same time.
  public init(limit: Int) {
    state = Mutex(State(limit: limit))
  }

  /// Runs `job` on a thread of its own right away; false when all threads are busy and no more may be started.
  func run(_ job: @escaping Job) -> Bool {
    assign(job, orWait: false)
  }

  /// Runs `job` as soon as a thread is free; false when too many wait already.
  func enqueue(_ job: @escaping Job) -> Bool {
    assign(job, orWait: true)
  }

  private func assign(_ job: @escaping Job, orWait: Bool) -> Bool {
    enum Choice { case wake(Member), start, wait, refuse }
    let choice = state.withLock { state in
      if let member = state.idle.popLast() { return Choice.wake(member) }
      if state.count < state.limit {
        state.count += 1
        return .start
      }
      if !orWait || state.waiting.count >= 2 * state.limit { return .refuse }
      state.waiting.append(job)
      return .wait
    }
    switch choice {
    case .wake(let member): member.next.notifyAll { $0 = job }
    case .start: return start(job)
    case .wait: break
    case .refuse: return false
    }
    return true
  }

  /// Makes room for the reading thread of one more session, or of one less.
  func adjustLimit(by count: Int) {
    state.withLock { $0.limit += count }
  }

  private func start(_ job: @escaping Job) -> Bool {
    let member = Member()
    member.next.notifyAll { $0 = job }
    let isStarted = startThread { while true { self.workUntilIdle(member) } }
    if !isStarted { state.withLock { $0.count -= 1 } }
    return isStarted
  }

  /// Waits for a job and works until none is left. It holds no job while it waits: a job holds its session, and that all
  /// that the session serves.
  private func workUntilIdle(_ member: Member) {
    var next: Job? = member.next.wait { $0.take() }
    while let job = next {
      job()
      next = state.withLock { state -> Job? in
        if !state.waiting.isEmpty { return state.waiting.removeFirst() }
        state.idle.append(member)
        return nil
      }
    }
  }
}

/// Starts a detached thread that takes no signals; false when the system has no more threads to give.
private func startThread(_ body: @escaping @Sendable () -> Void) -> Bool {
  final class Body { let run: () -> Void; init(_ run: @escaping () -> Void) { self.run = run } }
  let context = Unmanaged.passRetained(Body(body))
  var everySignal = sigset_t()
  var before = sigset_t()
  sigfillset(&everySignal)
  pthread_sigmask(SIG_SETMASK, &everySignal, &before)
  defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
  var thread = pthread_t()
  let result = pthread_create(
    &thread, nil,
    { context in
      linux_name_thread("fuse")
      Unmanaged<Body>.fromOpaque(context!).takeRetainedValue().run()
      return nil
    }, context.toOpaque())
  if result != 0 {
    context.release()
    return false
  }
  pthread_detach(thread)
  return true
}
