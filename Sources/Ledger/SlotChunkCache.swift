import Synchronization

/// The chunks of slot directories that were used lately, at most `capacity` of them (3 KiB each), replaced in the order of a clock.
final class SlotChunkCache: Sendable {
  /// 8,192 chunks locate a million blocks in about 40 MiB of memory.
  private static let capacity = 8192

  private struct Place: Hashable {
    let segment: UInt32
    let chunk: UInt32
  }

  private struct State {
    var positions: [Place: Int] = [:]
    var places: [Place] = []
    var chunks: [[SlotEntry]] = []
    var used: [Bool] = []
    var hand = 0
  }

  private let state = Mutex(State())

  func find(_ segment: UInt32, _ chunk: Int) -> [SlotEntry]? {
    state.withLock { state in
      guard let position = state.positions[Place(segment: segment, chunk: UInt32(chunk))] else { return nil }
      state.used[position] = true
      return state.chunks[position]
    }
  }

  func insert(_ segment: UInt32, _ chunk: Int, _ entries: [SlotEntry]) {
    let place = Place(segment: segment, chunk: UInt32(chunk))
    state.withLock { state in
      guard state.positions[place] == nil else { return }
      guard state.places.count == Self.capacity else {
        state.positions[place] = state.places.count
        state.places.append(place)
        state.chunks.append(entries)
        state.used.append(false)
        return
      }
      while state.used[state.hand] {
        state.used[state.hand] = false
        state.hand = (state.hand + 1) % Self.capacity
      }
      state.positions[state.places[state.hand]] = nil
      state.positions[place] = state.hand
      state.places[state.hand] = place
      state.chunks[state.hand] = entries
      state.hand = (state.hand + 1) % Self.capacity
    }
  }
}
