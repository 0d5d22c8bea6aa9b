import Control
import SystemIO

/// What the daemon is at: requests in work, and whether it is to end.
final class Activity: Sendable {
  private enum Stage { case serving, ending, ended }

  private struct State {
    var stage = Stage.serving
    var requests = 0
    var idleSince = ContinuousClock.now
  }

  private let state = Monitor(State())

  /// Counts a request; a daemon that is ending takes none.
  func begin() throws(Failure) {
    try state.withLock { (state) throws(Failure) in
      guard state.stage == .serving else { throw .ending }
      state.requests += 1
    }
  }

  /// The request is done.
  func end() {
    state.notifyAll { state in
      state.requests -= 1
      state.idleSince = .now
    }
  }

  /// Whether long operations are to stop.
  var isEnding: Bool { state.withLock { $0.stage != .serving } }

  /// From here on no request begins, and long operations stop. False where that was asked before: then this waits until
  /// the daemon has ended.
  func beginEnding() -> Bool {
    let isFirst = state.notifyAll { state in
      defer { if state.stage == .serving { state.stage = .ending } }
      return state.stage == .serving
    }
    if !isFirst { _ = state.wait { $0.stage == .ended ? true : nil } }
    return isFirst
  }

  /// Waits until no request is in work, `milliseconds` at most.
  func awaitIdle(atMost milliseconds: Int) -> Bool {
    state.wait(atMost: milliseconds) { $0.requests == 0 ? true : nil } ?? false
  }

  func ended() { state.notifyAll { $0.stage = .ended } }

  /// How long nothing has been asked; none while a request is in work.
  var idleTime: Duration {
    state.withLock { $0.requests > 0 ? .zero : $0.idleSince.duration(to: .now) }
  }
}

extension Failure {
  static let ending = Failure(.unreachable, "the daemon is ending", hint: "try again: the next command finds it gone")
}
