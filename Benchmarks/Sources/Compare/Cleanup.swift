import Glibc
import Synchronization
import Workloads

/// What has to be undone before this process ends, in the reverse order; also after Ctrl-C, which a thread of its own waits for.
enum Cleanup {
  private struct State {
    var steps: [(number: Int, body: @Sendable () -> Void)] = []
    var next = 0
    var hasBegun = false
  }

  private static let state = Mutex(State())

  /// - Returns: a number to forget the step by.
  @discardableResult
  static func add(_ body: @escaping @Sendable () -> Void) -> Int {
    state.withLock { state in
      state.next += 1
      state.steps.append((state.next, body))
      return state.next
    }
  }

  /// Undoes one step now.
  static func run(_ number: Int) {
    let step = state.withLock { state in
      state.steps.firstIndex { $0.number == number }.map { state.steps.remove(at: $0) }
    }
    step?.body()
  }

  /// Undoes everything. Who comes second waits for the end of the process.
  static func run() {
    let isFirst = state.withLock { state in
      defer { state.hasBegun = true }
      return !state.hasBegun
    }
    guard isFirst else { while true { pause() } }
    while let step = state.withLock({ $0.steps.popLast() }) { step.body() }
  }

  /// Whether this process is ending; nothing new is begun then.
  static var hasBegun: Bool { state.withLock { $0.hasBegun } }

  static func handleSignals() {
    var signals = sigset_t()
    sigemptyset(&signals)
    for signal in [SIGINT, SIGTERM, SIGHUP] { sigaddset(&signals, signal) }
    // Threads inherit this, so only the one that waits gets them.
    pthread_sigmask(SIG_BLOCK, &signals, nil)
    var thread = pthread_t()
    pthread_create(
      &thread, nil,
      { _ in
        var signals = sigset_t()
        sigemptyset(&signals)
        for signal in [SIGINT, SIGTERM, SIGHUP] { sigaddset(&signals, signal) }
        var signal: Int32 = 0
        sigwait(&signals, &signal)
        complain("cleaning up…")
        Program.endAll()
        Cleanup.run()
        _exit(128 + signal)
      }, nil)
    pthread_detach(thread)
  }
}
