import ArgumentParser
import Control

/// `tine fork`
struct Fork: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Fork a fork or a snapshot, in constant time.",
    discussion: "The fork holds whatever had been written when the command was called. With --empty it holds nothing.")

  @Argument(help: "The fork or snapshot to start from, such as prod or prod@before.")
  var source: String

  @Argument(help: "The new fork's name; with --empty it is the only argument.")
  var name: String?

  @Flag(help: "Make a fork that holds nothing.")
  var empty = false

  @OptionGroup var store: StoreOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    if empty && name != nil { throw ValidationError("With --empty there is no source.") }
    if !empty && name == nil { throw ValidationError("Missing expected argument '<name>'") }
  }

  func run() throws {
    let request = name.map { ForkRequest(source: source, name: $0) } ?? ForkRequest(source: nil, name: source)
    let head = try store.withEngine { try $0.fork(request) }
    if output.json {
      try Console.print(json: head)
    } else {
      try Console.print(request.source.map { "forked \($0) as \(head.name)" } ?? "made the empty fork \(head.name)")
    }
  }
}
