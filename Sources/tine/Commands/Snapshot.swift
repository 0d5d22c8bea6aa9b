import ArgumentParser
import Control

/// `tine snapshot`
struct Snapshot: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Name the present state of a fork for good.")

  @Argument(help: "The fork.")
  var fork: String

  @Argument(help: "The snapshot's name; it is then known as FORK@NAME.")
  var name: String

  @OptionGroup var store: StoreOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let head = try store.withEngine { try $0.snapshot(SnapshotRequest(fork: fork, name: name)) }
    if output.json {
      try Console.print(json: head)
    } else {
      try Console.print("made the snapshot \(head.name)")
    }
  }
}
