import Synchronization

/// Tells when all work that began before some moment has ended.
///
/// Work is counted in generations. A marker closes the current generation, and is due when it and all before it are empty;
/// work that begins later does not hold it up.
final class WorkOrder: Sendable {
  typealias Marker = @Sendable () -> Void

  /// Names the generation in which a piece of work began.
  struct Ticket { fileprivate let generation: Int }

  private struct Generation {
    var working = 0
    var markers: [Marker] = []
  }

  /// The oldest generation comes first; the last one is the current.
  private struct State {
    var oldest = 0
    var generations = [Generation()]
  }

  private let state = Mutex(State())

  func begin() -> Ticket {
    state.withLock { state in
      state.generations[state.generations.count - 1].working += 1
      return Ticket(generation: state.oldest + state.generations.count - 1)
    }
  }

  /// Ends a piece of work, and runs the markers that it held up.
  func end(_ ticket: Ticket) {
    let due = state.withLock { state -> [Marker] in
      state.generations[ticket.generation - state.oldest].working -= 1
      var due: [Marker] = []
      while state.generations.count > 1, state.generations[0].working == 0 {
        due += state.generations.removeFirst().markers
        state.oldest += 1
      }
      return due
    }
    for marker in due { marker() }
  }

  /// Runs `marker` when everything begun so far has ended: now, if nothing is under way.
  func afterEverythingBegun(_ marker: @escaping Marker) {
    let isDue = state.withLock { state in
      if state.generations.count == 1, state.generations[0].working == 0 { return true }
      state.generations[state.generations.count - 1].markers.append(marker)
      state.generations.append(Generation())
      return false
    }
    if isDue { marker() }
  }
}
