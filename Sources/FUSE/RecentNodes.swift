import Synchronization

/// The nodes that were noted within the last moment: half a second at most, a quarter at least.
final class RecentNodes: Sendable {
  private static let period: UInt64 = 250_000_000

  private struct State {
    var young: Set<NodeID> = []
    var old: Set<NodeID> = []
    var turn: UInt64 = 0

    mutating func turn(at now: UInt64) {
      guard now - turn > RecentNodes.period else { return }
      old = now - turn > 2 * RecentNodes.period ? [] : young
      young = []
      turn = now
    }
  }

  private let state = Mutex(State())
  /// From here on whatever was noted elsewhere is too old to matter.
  private let completeFrom: UInt64

  /// - Parameter othersWereNoted: whether there are nodes that were noted before, and not here.
  init(othersWereNoted: Bool) {
    completeFrom = othersWereNoted ? AdaptivePolling.now() + 2 * Self.period : 0
  }

  /// How many milliseconds it takes until no node is missing here.
  var millisecondsUntilComplete: Int {
    let now = AdaptivePolling.now()
    return now < completeFrom ? Int((completeFrom - now) / 1_000_000) + 1 : 0
  }

  func note(_ node: NodeID) {
    let now = AdaptivePolling.now()
    state.withLock { state in
      state.turn(at: now)
      state.young.insert(node)
    }
  }

  var nodes: Set<NodeID> {
    let now = AdaptivePolling.now()
    return state.withLock { state in
      state.turn(at: now)
      return state.young.union(state.old)
    }
  }
}
