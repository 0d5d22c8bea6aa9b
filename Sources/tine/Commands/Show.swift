import ArgumentParser
import Control
import SystemIO

/// `tine show`
struct Show: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Show a fork or snapshot: its lineage and its space.")

  @Argument(help: "The fork or snapshot.")
  var reference: String

  @OptionGroup var store: StoreOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let report = try store.withEngine { try $0.head(reference) }
    if output.json {
      try Console.print(json: report)
    } else {
      try show(report)
    }
  }

  private func show(_ report: HeadReport) throws(Failure) {
    let head = report.head
    let usage = report.usage
    var lines = [
      ("name", head.name), ("kind", head.kind.rawValue),
      ("created", "\(head.created) (\(Units.age(head.created)))"),
      ("ledger", "made at \(head.createdAt), last changed at \(head.changedAt)"),
      ("lineage", ([head.name] + report.ancestors).joined(separator: " ← ")),
    ]
    if !report.children.isEmpty { lines.append(("children", report.children.joined(separator: ", "))) }
    lines.append(("holds", "\(Units.count(usage.entries, "entry", plural: "entries")), \(Units.bytes(usage.bytes))"))
    if let parent = head.parent {
      lines.append(("own", "\(Units.bytes(usage.ownBytes)) that \(parent) does not have"))
      lines.append(("shared", Units.bytes(usage.sharedBytes)))
    }
    if let mount = head.mount {
      lines.append(("mounted at", mount.directory.quoted + (mount.readOnly ? " (read-only)" : "")))
    }
    let style = Style(enabled: Console.outputIsTerminal)
    for (title, text) in lines {
      let padding = String(repeating: " ", count: 12 - title.count)
      try Console.print(style.bold(title) + padding + Quoting.harmless(text))
    }
  }
}
