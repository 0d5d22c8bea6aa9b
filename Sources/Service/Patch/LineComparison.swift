// Which lines two texts share, after E. W. Myers, "An O(ND) Difference Algorithm and Its Variations" (1986): the
// shortest edit script is the shortest path through a grid of both sequences. The middle of the path is searched from
// both ends at once, and then each half for itself, so the memory is linear. Lines are numbers here; a line that only
// one text has is left out beforehand, as are the lines that both begin or end with.
//
// Where texts have little in common the search would take the product of their lengths. So a search that has come
// `patience` edits far is cut at the point that is furthest by then, and where all searches together have taken
// `budget` steps, what is left counts as changed. The result is coarser then, but never wrong.

/// Tells which lines of two texts are not in the other.
struct LineComparison {
  private(set) var removed: [Bool]
  private(set) var added: [Bool]

  private static let patience = 256
  private static let budget = 1 << 26

  /// - Parameters:
  ///   - old: A number for each line, and so for the other text.
  ///   - isWanted: Asked again and again; if it says no, what is left counts as changed.
  init(_ old: [Int], _ new: [Int], while isWanted: () -> Bool = { true }) {
    removed = [Bool](repeating: false, count: old.count)
    added = [Bool](repeating: false, count: new.count)
    let head = zip(old, new).prefix { $0 == $1 }.count
    let tail = zip(old.dropFirst(head).reversed(), new.dropFirst(head).reversed()).prefix { $0 == $1 }.count
    let left = Self.shared(old, head..<old.count - tail, with: new[head..<new.count - tail], &removed)
    let right = Self.shared(new, head..<new.count - tail, with: old[head..<old.count - tail], &added)
    var search = Search(old: left.map { old[$0] }, new: right.map { new[$0] })
    search.run(patience: Self.patience, budget: Self.budget, while: isWanted)
    for (index, line) in left.enumerated() where search.removed[index] { removed[line] = true }
    for (index, line) in right.enumerated() where search.added[index] { added[line] = true }
  }

  /// The places of lines that another text has too; the others are marked.
  private static func shared(
    _ lines: [Int], _ range: Range<Int>, with other: ArraySlice<Int>, _ marks: inout [Bool]
  ) -> [Int] {
    let known = Set(other)
    var shared: [Int] = []
    for index in range {
      if known.contains(lines[index]) { shared.append(index) } else { marks[index] = true }
    }
    return shared
  }
}

/// The search for a short path.
private struct Search {
  private let old: [Int]
  private let new: [Int]
  private(set) var removed: [Bool]
  private(set) var added: [Bool]
  /// How far the paths of each diagonal have come, from the start and from the end.
  private var forward: [Int]
  private var backward: [Int]
  private var steps = 0

  private struct Box {
    var old: Range<Int>
    var new: Range<Int>
  }

  init(old: [Int], new: [Int]) {
    self.old = old
    self.new = new
    removed = [Bool](repeating: false, count: old.count)
    added = [Bool](repeating: false, count: new.count)
    forward = [Int](repeating: 0, count: old.count + new.count + 3)
    backward = forward
  }

  mutating func run(patience: Int, budget: Int, while isWanted: () -> Bool) {
    var boxes = [Box(old: old.indices, new: new.indices)]
    // One box takes the square of the patience, and small ones take few steps.
    var asked = 0
    var isOver = false
    while let box = boxes.popLast().map(trimmed) {
      if !isOver, steps - asked >= 1 << 12 {
        asked = steps
        isOver = !isWanted()
      }
      if box.old.isEmpty || box.new.isEmpty || isOver || steps > budget {
        mark(box)
        continue
      }
      let (x, y) = split(box, patience, budget)
      // A box that is not made smaller would be split for ever.
      if (x, y) == (box.old.lowerBound, box.new.lowerBound) || (x, y) == (box.old.upperBound, box.new.upperBound) {
        mark(box)
        continue
      }
      boxes.append(Box(old: x..<box.old.upperBound, new: y..<box.new.upperBound))
      boxes.append(Box(old: box.old.lowerBound..<x, new: box.new.lowerBound..<y))
    }
  }

  /// All that is in a box counts as changed.
  private mutating func mark(_ box: Box) {
    for index in box.old { removed[index] = true }
    for index in box.new { added[index] = true }
  }

  /// Without the lines that both begin or end with.
  private func trimmed(_ box: Box) -> Box {
    var (left, right) = (box.old, box.new)
    while let one = left.first, let other = right.first, old[one] == new[other] {
      left = left.dropFirst()
      right = right.dropFirst()
    }
    while let one = left.last, let other = right.last, old[one] == new[other] {
      left = left.dropLast()
      right = right.dropLast()
    }
    return Box(old: left, new: right)
  }

  /// A point of a short path through a box that has an edit at its start and at its end. It is neither of its corners.
  private mutating func split(_ box: Box, _ patience: Int, _ budget: Int) -> (Int, Int) {
    let (x0, x1) = (box.old.lowerBound, box.old.upperBound)
    let (y0, y1) = (box.new.lowerBound, box.new.upperBound)
    // Diagonals are counted by x - y, and kept from index 0 on.
    let shift = new.count + 1
    let (lowest, highest) = (x0 - y1, x1 - y0)
    let (start, end) = (x0 - y0, x1 - y1)
    let isOdd = (start - end) & 1 != 0
    forward[start + shift] = x0
    backward[end + shift] = x1
    var (low, high) = (start, start)
    var (backLow, backHigh) = (end, end)
    var edits = 0
    while true {
      edits += 1
      steps += high - low + backHigh - backLow + 2
      Self.widen(&low, &high, within: lowest...highest, &forward, shift, unreached: -1)
      var diagonal = high
      while diagonal >= low {
        let (below, above) = (forward[diagonal - 1 + shift], forward[diagonal + 1 + shift])
        var x = below >= above ? below + 1 : above
        var y = x - diagonal
        let begin = x
        while x < x1, y < y1, old[x] == new[y] {
          x += 1
          y += 1
        }
        steps += x - begin
        forward[diagonal + shift] = x
        if isOdd, diagonal >= backLow, diagonal <= backHigh, backward[diagonal + shift] <= x { return (x, y) }
        diagonal -= 2
      }
      Self.widen(&backLow, &backHigh, within: lowest...highest, &backward, shift, unreached: .max)
      diagonal = backHigh
      while diagonal >= backLow {
        let (below, above) = (backward[diagonal - 1 + shift], backward[diagonal + 1 + shift])
        var x = below < above ? below : above - 1
        var y = x - diagonal
        let begin = x
        while x > x0, y > y0, old[x - 1] == new[y - 1] {
          x -= 1
          y -= 1
        }
        steps += begin - x
        backward[diagonal + shift] = x
        if !isOdd, diagonal >= low, diagonal <= high, x <= forward[diagonal + shift] { return (x, y) }
        diagonal -= 2
      }
      if edits >= patience || steps > budget { return furthest(box, low...high, backLow...backHigh, shift) }
    }
  }

  /// One more diagonal at each side, or one less where there is none.
  private static func widen(
    _ low: inout Int, _ high: inout Int, within limits: ClosedRange<Int>, _ reached: inout [Int], _ shift: Int,
    unreached: Int
  ) {
    if low > limits.lowerBound {
      low -= 1
      reached[low - 1 + shift] = unreached
    } else {
      low += 1
    }
    if high < limits.upperBound {
      high += 1
      reached[high + 1 + shift] = unreached
    } else {
      high -= 1
    }
  }

  /// The point that has come furthest from its end of a box.
  private func furthest(
    _ box: Box, _ forwardDiagonals: ClosedRange<Int>, _ backwardDiagonals: ClosedRange<Int>, _ shift: Int
  ) -> (Int, Int) {
    var best = (sum: 0, x: box.old.lowerBound, y: box.new.lowerBound)
    for diagonal in stride(from: forwardDiagonals.upperBound, through: forwardDiagonals.lowerBound, by: -2) {
      let x = min(forward[diagonal + shift], box.old.upperBound, box.new.upperBound + diagonal)
      let sum = x - box.old.lowerBound + x - diagonal - box.new.lowerBound
      if sum > best.sum { best = (sum, x, x - diagonal) }
    }
    for diagonal in stride(from: backwardDiagonals.upperBound, through: backwardDiagonals.lowerBound, by: -2) {
      let x = max(backward[diagonal + shift], box.old.lowerBound, box.new.lowerBound + diagonal)
      let sum = box.old.upperBound - x + box.new.upperBound - x + diagonal
      if sum > best.sum { best = (sum, x, x - diagonal) }
    }
    return (best.x, best.y)
  }
}
