import Control

/// A diff in figures.
struct ChangeSummary: Encodable {
  private(set) var added = 0
  private(set) var deleted = 0
  private(set) var modified = 0
  private(set) var renamed = 0
  private(set) var attributes = 0
  /// Changed bytes of content, in whole pages.
  private(set) var bytes: UInt64 = 0

  init() {}

  init(_ changes: [Change]) { for change in changes { add(change) } }

  mutating func add(_ change: Change) {
    switch change.change {
    case .added: added += 1
    case .deleted: deleted += 1
    case .modified: modified += 1
    case .renamed: renamed += 1
    case .attributes: attributes += 1
    }
    bytes += change.changedBytes
  }

  var files: Int { added + deleted + modified + renamed + attributes }

  /// One line, such as `3 added, 1 modified, 24.0 KiB`.
  var line: String {
    let counts = [
      (added, "added"), (deleted, "deleted"), (modified, "modified"), (renamed, "renamed"),
      (attributes, "with other attributes"),
    ]
    let parts = counts.filter { $0.0 > 0 }.map { "\(Units.grouped(UInt64($0.0))) \($0.1)" }
    return parts.isEmpty ? "nothing changed" : (parts + [Units.bytes(bytes)]).joined(separator: ", ")
  }
}

extension Change {
  /// The letter that `tine diff` puts before it.
  var letter: String {
    switch change {
    case .added: "A"
    case .deleted: "D"
    case .modified: "M"
    case .renamed: "R"
    case .attributes: "T"
    }
  }

  /// The line that `tine diff` prints, such as `M base/5/16384  pages 10-12, 40`.
  var line: String {
    var line = "\(letter) "
    if let oldPath { line += oldPath.quoted + " -> " }
    line += path.quoted
    if kind == .directory { line += "/" }
    var details: [String] = []
    if !pages.isEmpty && change != .added && change != .deleted { details.append("pages " + pageList) }
    if !attributes.isEmpty && change != .added && change != .deleted {
      details.append(attributes.joined(separator: ", "))
    }
    if !details.isEmpty { line += "  " + details.joined(separator: "; ") }
    return line
  }

  private var pageList: String {
    pages.map(\.text).joined(separator: ", ")
  }
}

extension Change.PageRange {
  /// `7`, or `7-9`.
  var text: String { first == last ? "\(first)" : "\(first)-\(last)" }
}
