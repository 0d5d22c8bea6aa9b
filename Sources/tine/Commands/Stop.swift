import ArgumentParser
import Control

/// `tine stop`
struct Stop: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Unmount everything and end the store's daemon.",
    discussion: """
      Everything is durable when the command returns. The next 'tine mount' starts a daemon again. While a process uses a \
      mount, the command refuses and names it.
      """)

  @Flag(help: "Take mounts away even from processes that use them.")
  var force = false

  @OptionGroup var store: StoreOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let engine = try Owner.daemon(of: store.directory())
    try engine?.shutDown(ShutdownRequest(force: force))
    if output.json {
      try Console.print(json: ["stopped": engine != nil])
    } else {
      try Console.print(engine == nil ? "no daemon runs for this store" : "the daemon has ended")
    }
  }
}
