/// The lines that differ between two texts, as `diff -u` writes them.
struct UnifiedDiff {
  private enum Line {
    case same(Substring)
    case removed(Substring)
    case added(Substring)
  }

  private let lines: [Line]
  /// How many unchanged lines stand around a change.
  private static let context = 3

  init(_ old: String, _ new: String) {
    lines = Self.compare(Self.split(old), Self.split(new))
  }

  var isEmpty: Bool {
    lines.allSatisfy { if case .same = $0 { true } else { false } }
  }

  func text(oldName: String, newName: String) -> String {
    var text = "--- \(oldName)\n+++ \(newName)\n"
    for hunk in hunks { text += self.text(of: hunk) }
    return text
  }

  /// Lines, each with its line end, so that a missing one at the end is a difference.
  private static func split(_ text: String) -> [Substring] {
    var lines: [Substring] = []
    var rest = text[...]
    while let feed = rest.utf8.firstIndex(of: UInt8(ascii: "\n")) {
      let end = rest.utf8.index(after: feed)
      lines.append(rest[..<end])
      rest = rest[end...]
    }
    if !rest.isEmpty { lines.append(rest) }
    return lines
  }

  /// Myers' algorithm, as the standard library has it, turned into one list of lines.
  private static func compare(_ old: [Substring], _ new: [Substring]) -> [Line] {
    var removed: Set<Int> = []
    var added: Set<Int> = []
    for change in new.difference(from: old) {
      switch change {
      case .remove(let offset, _, _): removed.insert(offset)
      case .insert(let offset, _, _): added.insert(offset)
      }
    }
    var lines: [Line] = []
    var oldIndex = 0
    var newIndex = 0
    while oldIndex < old.count || newIndex < new.count {
      if removed.contains(oldIndex) {
        lines.append(.removed(old[oldIndex]))
        oldIndex += 1
      } else if added.contains(newIndex) {
        lines.append(.added(new[newIndex]))
        newIndex += 1
      } else {
        lines.append(.same(old[oldIndex]))
        oldIndex += 1
        newIndex += 1
      }
    }
    return lines
  }

  /// Changed lines with their context; those whose contexts touch are one hunk.
  private var hunks: [Range<Int>] {
    var hunks: [Range<Int>] = []
    for (index, line) in lines.enumerated() {
      if case .same = line { continue }
      let range = max(0, index - Self.context)..<min(lines.count, index + Self.context + 1)
      if let last = hunks.last, last.upperBound >= range.lowerBound {
        hunks[hunks.count - 1] = last.lowerBound..<range.upperBound
      } else {
        hunks.append(range)
      }
    }
    return hunks
  }

  private func text(of hunk: Range<Int>) -> String {
    let (oldStart, newStart) = counts(lines[..<hunk.lowerBound])
    let (oldCount, newCount) = counts(lines[hunk])
    var text = "@@ -\(place(oldStart, oldCount)) +\(place(newStart, newCount)) @@\n"
    for line in lines[hunk] {
      switch line {
      case .same(let content): text += written(" ", content)
      case .removed(let content): text += written("-", content)
      case .added(let content): text += written("+", content)
      }
    }
    return text
  }

  private func written(_ mark: String, _ line: Substring) -> String {
    line.utf8.last == UInt8(ascii: "\n") ? mark + line : "\(mark)\(line)\n\\ No newline at end of file\n"
  }

  private func counts(_ lines: ArraySlice<Line>) -> (old: Int, new: Int) {
    lines.reduce(into: (old: 0, new: 0)) { counts, line in
      switch line {
      case .same:
        counts.old += 1
        counts.new += 1
      case .removed: counts.old += 1
      case .added: counts.new += 1
      }
    }
  }

  /// `START,COUNT` as unified diffs have it; an empty range starts at the line before.
  private func place(_ before: Int, _ count: Int) -> String { count == 0 ? "\(before),0" : "\(before + 1),\(count)" }
}
