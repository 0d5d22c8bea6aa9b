import ArgumentParser
import Control

/// `tine diff`
struct Diff: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show what changed from one fork or snapshot to another.",
    discussion: """
      One line for each path: A added, D deleted, M modified (with the pages of 4 KiB that differ), R renamed, T only \
      attributes changed. It takes as long as there are changes, not as long as there are files.

      Of one fork alone it shows what changed since it was forked, and of A...B what B changed since both were one.
      """)

  @Argument(help: "The fork or snapshot to compare from; alone, a fork to compare with what it was forked from.")
  var old: String

  @Argument(help: "The one to compare to.")
  var new: String?

  @Flag(help: "Show how much changed in each file.")
  var stat = false

  @Flag(help: "Show the lines that changed in small text files, as a unified diff.")
  var patch = false

  @OptionGroup var store: StoreOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    if stat && patch { throw ValidationError("--stat and --patch exclude each other.") }
  }

  func run() throws {
    let request = try request()
    try store.withEngine(writes: false) { engine in
      if stat {
        let changes = try engine.diff(request)
        if output.json { return try Console.print(json: ChangeSummary(changes)) }
        for line in Self.statLines(changes) { try Console.print(line) }
      } else if output.json {
        var array = JSONArray()
        try engine.diff(request) { (change) throws(Failure) in
          try array.print(change)
          return true
        }
        try array.end()
      } else {
        try engine.diff(request) { (change) throws(Failure) in
          try show(change)
          return true
        }
      }
    }
  }

  private func request() throws -> DiffRequest {
    if let new { return DiffRequest(old: old, new: new, patch: patch) }
    guard let dots = old.firstRange(of: "...") else { return DiffRequest(old: nil, new: old, patch: patch) }
    return DiffRequest(
      old: String(old[..<dots.lowerBound]), new: String(old[dots.upperBound...]), common: true, patch: patch)
  }

  private func show(_ change: Change) throws(Failure) {
    let style = Style(enabled: Console.outputIsTerminal)
    if let patch = change.patch {
      // Its names are quoted, and its lines are what the files hold: it is for programs.
      try Console.print(content: patch.last == UInt8(ascii: "\n") ? patch.dropLast() : patch)
    } else if style.enabled {
      let line = change.line
      switch change.change {
      case .added: try Console.print(style.green(line))
      case .deleted: try Console.print(style.red(line))
      case .attributes: try Console.print(style.faint(line))
      case .modified, .renamed: try Console.print(line)
      }
    } else {
      try Console.print(change.line)
    }
  }

  /// How much changed in each file, then all together; of more than `limit` files only those that changed most.
  static func statLines(_ changes: [Change], limit: Int = .max) -> [String] {
    let summary = ChangeSummary(changes)
    let shown =
      changes.count <= limit ? changes : Array(changes.sorted { $0.changedBytes > $1.changedBytes }.prefix(limit))
    let names = shown.map(\.path.quoted)
    let width = names.map(\.count).max() ?? 0
    var lines = zip(shown, names).map { change, name in
      let padding = String(repeating: " ", count: width - name.count)
      return "\(change.letter) \(name)\(padding)  \(change.changedBytes == 0 ? "" : Units.bytes(change.changedBytes))"
        .trimmingTrailingSpaces
    }
    if changes.count > shown.count {
      lines.append("… and \(Units.count(UInt64(changes.count - shown.count), "other"))")
    }
    return lines + [summary.line]
  }
}

extension String {
  fileprivate var trimmingTrailingSpaces: String { String(reversed().drop { $0 == " " }.reversed()) }
}
