import ArgumentParser
import Control

/// `tine log`
struct Log: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Show the ledger: what happened to a fork, in order.")

  @Argument(help: "The fork or snapshot.")
  var reference: String

  @Option(name: [.customShort("n"), .long], help: "At most so many records, the newest.")
  var limit: Int = 50

  @Option(help: "Only records from this place in the ledger on.")
  var since: UInt64?

  @OptionGroup var store: StoreOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    if limit < 1 { throw ValidationError("--limit must be at least 1.") }
  }

  func run() throws {
    let request = LogRequest(reference: reference, since: since, limit: limit)
    let entries = try store.withEngine { try $0.log(request) }
    if output.json {
      try Console.print(json: entries)
      return
    }
    var table = Table(.right("lsn"), .left("time"), .left("name"), .left("operation"), .left("detail"))
    for entry in entries {
      table.add(String(entry.lsn), entry.time?.description ?? "", entry.name, entry.operation, entry.detail)
    }
    table.print()
  }
}
