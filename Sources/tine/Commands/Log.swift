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

  @Flag(help: "Verify the content that the records brought; their chain always is.")
  var verify = false

  @OptionGroup var store: StoreOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    if limit < 1 { throw ValidationError("--limit must be at least 1.") }
  }

  func run() throws {
    let request = LogRequest(reference: reference, since: since, limit: limit, verify: verify)
    let entries = try store.withEngine { try $0.log(request) }
    if output.json {
      try Console.print(json: entries)
      return
    }
    var table = Table(.right("lsn"), .left("time"), .left("operation"), .right("pages"), .left("subject"))
    for entry in entries {
      let pages = entry.pages > 0 ? Units.grouped(entry.pages) : ""
      table.add(
        String(entry.lsn), entry.time.description, entry.operation, pages,
        entry.subject.bytes.isEmpty ? "" : entry.subject.quoted)
    }
    try table.print()
    if verify { Console.note("the ledger is in order") }
  }
}
