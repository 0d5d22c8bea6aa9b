import Synchronization

/// What waits to be served by one thread at a time. Whoever adds to it while nobody serves has to serve, until nothing is left.
final class WaitingLine<Item: Sendable>: Sendable {
  private struct State {
    var isServed = false
    var items: [Item] = []
  }

  private let state = Mutex(State())

  /// Adds an item; returns whether the caller is to serve from now on.
  func add(_ item: Item) -> Bool {
    state.withLock { state in
      state.items.append(item)
      defer { state.isServed = true }
      return !state.isServed
    }
  }

  /// Takes all that wait, in the order in which they came; nil where none do, and nobody serves any more.
  func next() -> [Item]? {
    state.withLock { state in
      state.isServed = !state.items.isEmpty
      if state.items.isEmpty { return nil }
      defer { state.items = [] }
      return state.items
    }
  }
}
