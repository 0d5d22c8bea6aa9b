/// The lines that differ between two texts, as `diff -u` writes them. Lines are bytes: two that look alike and are not
/// the same differ.
struct UnifiedDiff {
  private typealias Line = ArraySlice<UInt8>

  private let old: [Line]
  private let new: [Line]
  private let comparison: LineComparison
  /// How many unchanged lines are around a change.
  private static let context = 3

  /// - Parameter isWanted: Asked again and again; if it says no, the result is coarse.
  init(_ old: [UInt8], _ new: [UInt8], while isWanted: () -> Bool = { true }) {
    self.old = Self.split(old)
    self.new = Self.split(new)
    var numbers: [Line: Int] = [:]
    func number(_ line: Line) -> Int {
      if let number = numbers[line] { return number }
      numbers[line] = numbers.count
      return numbers.count - 1
    }
    comparison = LineComparison(self.old.map(number), self.new.map(number), while: isWanted)
  }

  var isEmpty: Bool { !comparison.removed.contains(true) && !comparison.added.contains(true) }

  /// Lines, each with its line end, so that a missing one at the end is a difference.
  private static func split(_ text: [UInt8]) -> [Line] {
    var lines: [Line] = []
    var start = 0
    for (index, byte) in text.enumerated() where byte == UInt8(ascii: "\n") {
      lines.append(text[start...index])
      start = index + 1
    }
    if start < text.count { lines.append(text[start...]) }
    return lines
  }

  /// A run of lines that were removed, and of those that came in their place.
  private struct Edit {
    var old: Range<Int>
    var new: Range<Int>
  }

  private var edits: [Edit] {
    var edits: [Edit] = []
    var (x, y) = (0, 0)
    while x < old.count || y < new.count {
      let (left, right) = (x, y)
      while x < old.count, comparison.removed[x] { x += 1 }
      while y < new.count, comparison.added[y] { y += 1 }
      if x > left || y > right {
        edits.append(Edit(old: left..<x, new: right..<y))
      } else {
        x += 1
        y += 1
      }
    }
    return edits
  }

  /// All hunks.
  var hunks: [UInt8] {
    var text: [UInt8] = []
    var rest = edits[...]
    while let first = rest.first {
      // Those whose contexts touch are one hunk.
      var count = 1
      while count < rest.count,
        rest[rest.startIndex + count].old.lowerBound - rest[rest.startIndex + count - 1].old.upperBound
          <= 2 * Self.context
      { count += 1 }
      write(rest.prefix(count), from: first, &text)
      rest = rest.dropFirst(count)
    }
    return text
  }

  private func write(_ edits: ArraySlice<Edit>, from first: Edit, _ text: inout [UInt8]) {
    let last = edits[edits.endIndex - 1]
    let before = min(Self.context, first.old.lowerBound)
    let after = min(Self.context, old.count - last.old.upperBound)
    let left = first.old.lowerBound - before..<last.old.upperBound + after
    let right = first.new.lowerBound - before..<last.new.upperBound + after
    text += Array("@@ -\(Self.place(left)) +\(Self.place(right)) @@\n".utf8)
    var position = left.lowerBound
    for edit in edits {
      for line in old[position..<edit.old.lowerBound] { Self.write(" ", line, &text) }
      for line in old[edit.old] { Self.write("-", line, &text) }
      for line in new[edit.new] { Self.write("+", line, &text) }
      position = edit.old.upperBound
    }
    for line in old[position..<left.upperBound] { Self.write(" ", line, &text) }
  }

  private static func write(_ mark: Unicode.Scalar, _ line: Line, _ text: inout [UInt8]) {
    text.append(UInt8(ascii: mark))
    text += line
    if line.last != UInt8(ascii: "\n") { text += Array("\n\\ No newline at end of file\n".utf8) }
  }

  /// `START,COUNT` as unified diffs have it; an empty range starts at the line before.
  private static func place(_ lines: Range<Int>) -> String {
    lines.isEmpty ? "\(lines.lowerBound),0" : "\(lines.lowerBound + 1),\(lines.count)"
  }
}
