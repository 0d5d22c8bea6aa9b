/// The figures as a table for a person, or as JSON for a program.
enum Report {
  static func table(_ figures: [Figure], _ bench: Bench) -> String {
    let header = ["figure", "tine", "peer", "", "ratio", "target", ""]
    let rows = figures.map(row)
    let all: [[String]] = [header] + rows
    let widths: [Int] = header.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
    let ruler = widths.map { String(repeating: "-", count: $0) }
    let lines: [String] = ([header, ruler] + rows).map { row in
      let cells = zip(row, widths).map { $0.padded(to: $1) }
      return "| " + cells.joined(separator: " | ") + " |"
    }
    let notes = figures.filter { $0.value != nil && !$0.note.isEmpty }.map { "- \($0.name): \($0.note)" }
    let parts: [[String]] = [[bench.description, ""], lines, notes.isEmpty ? [] : [""], notes]
    return parts.joined().joined(separator: "\n")
  }

  static func line(_ figure: Figure) -> String { row(figure).filter { !$0.isEmpty }.joined(separator: " | ") }

  private static func row(_ figure: Figure) -> [String] {
    let value = figure.value.map { $0.short + " " + figure.unit } ?? figure.note
    let peer = figure.peerValue.map { $0.short + " " + figure.unit } ?? ""
    let verdict = figure.isMet.map { $0 ? "met" : "MISSED" } ?? ""
    return [figure.name, value, peer, figure.peer ?? "", figure.ratio?.short ?? "", figure.targetText, verdict]
  }

  static func json(_ figures: [Figure], _ bench: Bench) -> String {
    let objects = figures.map { figure in
      var fields = ["\"name\": \(quoted(figure.name))"]
      if let value = figure.value { fields += ["\"value\": \(value)", "\"unit\": \(quoted(figure.unit))"] }
      fields.append("\"better\": \(quoted(figure.better.rawValue))")
      if let peer = figure.peer { fields.append("\"peer\": \(quoted(peer))") }
      if let value = figure.peerValue { fields.append("\"peerValue\": \(value)") }
      if let ratio = figure.ratio { fields.append("\"ratio\": \(ratio)") }
      if figure.target != nil { fields.append("\"target\": \(quoted(figure.targetText))") }
      if let isMet = figure.isMet { fields.append("\"met\": \(isMet)") }
      if !figure.note.isEmpty { fields.append("\"note\": \(quoted(figure.note))") }
      return "    {\(fields.joined(separator: ", "))}"
    }
    return
      "{\n  \"machine\": \(quoted(bench.description)),\n  \"figures\": [\n\(objects.joined(separator: ",\n"))\n  ]\n}"
  }

  private static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case _ where scalar.value < 0x20: result += " "
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}
