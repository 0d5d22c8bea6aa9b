import ArgumentParser
import Control
import Service

/// `tine init`
struct Init: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Make a store.")

  @OptionGroup var store: StoreOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let directory = try store.directory()
    try LocalEngine.create(at: directory)
    if output.json {
      try Console.print(json: ["store": directory])
    } else {
      Console.print("made a store in \(directory)")
    }
  }
}
