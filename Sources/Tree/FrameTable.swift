/// Finds the frame of a node: open addressing with linear probing, at most half full, over the references that the pool keeps.
struct FrameTable {
  private static let empty = UInt32.max
  private var slots = [UInt32](repeating: empty, count: 1024)
  private var count = 0

  @inline(__always)
  private func home(_ reference: NodeReference) -> Int {
    // Fibonacci hashing: neighbouring references spread over the table.
    Int(truncatingIfNeeded: (reference.packed &* 0x9E37_79B9_7F4A_7C15) >> 20) & (slots.count - 1)
  }

  @inline(__always)
  func find(_ reference: NodeReference, _ references: [NodeReference]) -> Int? {
    var slot = home(reference)
    while slots[slot] != Self.empty {
      if references[Int(slots[slot])] == reference { return Int(slots[slot]) }
      slot = (slot + 1) & (slots.count - 1)
    }
    return nil
  }

  mutating func insert(_ frame: Int, _ references: [NodeReference]) {
    if (count + 1) * 2 > slots.count { grow(references) }
    place(UInt32(frame), references)
    count += 1
  }

  /// Removes an entry and moves those behind it forward, so that no gap breaks a chain of probes.
  mutating func remove(_ reference: NodeReference, _ references: [NodeReference]) {
    var gap = home(reference)
    while references[Int(slots[gap])] != reference { gap = (gap + 1) & (slots.count - 1) }
    var next = (gap + 1) & (slots.count - 1)
    while slots[next] != Self.empty {
      let wanted = home(references[Int(slots[next])])
      let distance = (next - wanted) & (slots.count - 1)
      if distance >= (next - gap) & (slots.count - 1) {
        slots[gap] = slots[next]
        gap = next
      }
      next = (next + 1) & (slots.count - 1)
    }
    slots[gap] = Self.empty
    count -= 1
  }

  private mutating func place(_ frame: UInt32, _ references: [NodeReference]) {
    var slot = home(references[Int(frame)])
    while slots[slot] != Self.empty { slot = (slot + 1) & (slots.count - 1) }
    slots[slot] = frame
  }

  private mutating func grow(_ references: [NodeReference]) {
    let frames = slots.filter { $0 != Self.empty }
    slots = [UInt32](repeating: Self.empty, count: slots.count * 2)
    for frame in frames { place(frame, references) }
  }
}
