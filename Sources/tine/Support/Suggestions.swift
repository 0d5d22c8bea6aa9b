/// What a person who types a command that does not exist may mean.
enum Suggestions {
  /// The command to suggest; nil where none is near.
  static func command(for word: String, among names: [String]) -> String? {
    if let known = habits[word.lowercased()] { return known }
    let nearest = names.map { ($0, distance(word.lowercased(), $0)) }.min { $0.1 < $1.1 }
    guard let (name, distance) = nearest, distance <= max(1, min(name.count, word.count) / 3) else { return nil }
    return name
  }

  /// What other tools call it.
  private static let habits = [
    "rm": "drop", "remove": "drop", "delete": "drop", "del": "drop", "destroy": "drop",
    "clone": "fork", "branch": "fork", "copy": "fork", "cp": "fork", "create": "init", "new": "init",
    "status": "list", "ps": "list", "mounts": "list", "info": "show", "inspect": "show", "describe": "show",
    "commit": "snapshot", "tag": "snapshot", "snap": "snapshot", "save": "snapshot",
    "compare": "diff", "history": "log", "fsck": "check", "verify": "check", "scrub": "check",
    "repair": "check --repair",
    "prune": "gc", "clean": "gc", "exec": "run", "try": "run", "load": "import", "restore": "export", "start": "mount",
    "shutdown": "stop", "quit": "stop", "update": "upgrade",
  ]

  /// How many letters have to be added, removed, replaced or swapped with their neighbour.
  static func distance(_ one: String, _ other: String) -> Int {
    let (a, b) = (Array(one.utf8), Array(other.utf8))
    var rows = [Array(0...b.count)]
    for i in a.indices {
      var row = [i + 1]
      for j in b.indices {
        var best = min(rows[i][j + 1] + 1, row[j] + 1, rows[i][j] + (a[i] == b[j] ? 0 : 1))
        if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { best = min(best, rows[i - 1][j - 1] + 1) }
        row.append(best)
      }
      rows.append(row)
    }
    return rows[a.count][b.count]
  }
}
