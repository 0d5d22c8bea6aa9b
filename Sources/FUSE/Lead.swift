import Glibc
import Synchronization

/// Says which thread leads a session: reads its requests and serves them.
///
/// There is one leader at a time, and one thread at most that sleeps until a request comes. A thread that finishes detached
/// work is awake, and takes the lead of one that sleeps; it gives it back to it when it sleeps or passes on the lead itself. So
/// a session that is busy on and off stays with threads that are awake, and none waits in vain.
final class Lead: Sendable {
  private struct State {
    /// Zero while the lead is on its way to a thread that was called.
    var leader: UInt = 0
    var sleeper: UInt = 0
    /// How many threads were called and did not come yet.
    var called = 0
    var isOver = false
  }

  private let state = Mutex(State())

  /// Whether the calling thread leads.
  var isMine: Bool {
    let own = UInt(pthread_self())
    return state.withLock { $0.leader == own }
  }

  /// Passes the lead on: to the sleeper, or to a thread that is on its way. False when there is none; then one must be called.
  func pass() -> Bool {
    state.withLock { state in
      state.leader = state.sleeper
      return state.leader != 0 || state.called > 0
    }
  }

  /// Takes the lead, if nobody has it, or who has it sleeps.
  func take() -> Bool {
    let own = UInt(pthread_self())
    return state.withLock { state in
      guard !state.isOver, state.leader == 0 || state.leader == state.sleeper else { return false }
      state.leader = own
      return true
    }
  }

  func willCall() { state.withLock { $0.called += 1 } }

  /// A thread that was called comes, or could not be called.
  func hasCome() { state.withLock { $0.called -= 1 } }

  /// The leader wants to sleep. False when there is a sleeper already, who then leads.
  func willSleep() -> Bool {
    state.withLock { state in
      if state.sleeper != 0 {
        state.leader = state.sleeper
        return false
      }
      state.sleeper = state.leader
      return true
    }
  }

  /// The sleeper woke up. False when another thread has taken the lead meanwhile.
  func hasWoken() -> Bool {
    let own = UInt(pthread_self())
    return state.withLock { state in
      state.sleeper = 0
      return state.leader == own
    }
  }

  /// Nobody leads any more.
  func end() {
    state.withLock { state in
      state.isOver = true
      state.leader = .max
    }
  }
}
