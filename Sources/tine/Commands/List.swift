import ArgumentParser
import Control

/// `tine list`
struct List: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "List forks and snapshots.", aliases: ["ls"])

  @OptionGroup var store: StoreOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let heads = try store.withEngine { try $0.heads() }.sorted { $0.name < $1.name }
    if output.json {
      try Console.print(json: heads)
      return
    }
    if heads.isEmpty {
      Console.note("the store is empty; 'tine import NAME DIRECTORY' brings a directory in")
      return
    }
    var table = Table(
      .left("name"), .left("from"), .left("created"), .right("entries"), .right("size"), .left("mounted at"))
    for head in heads {
      table.add(
        head.name, head.parent ?? "", Units.age(head.created), Units.grouped(head.entries), Units.bytes(head.bytes),
        head.mount?.directory.quoted ?? "",
        emphasis: head.kind == .snapshot ? .faint : .none)
    }
    try table.print()
  }
}
