import ArgumentParser
import Control

/// `tine drop`
struct Drop: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Remove forks and snapshots.",
    discussion: """
      What was forked from them is not touched. Where one of them cannot be dropped, none is. 'tine gc' then frees the \
      space that nothing else uses.
      """)

  @Argument(help: "The forks and snapshots.")
  var references: [String]

  @OptionGroup var store: StoreOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let (dropped, failure) = try store.withEngine { engine in
      try DropPlan(references, engine: engine).carryOut(engine)
    }
    if output.json {
      try Console.print(json: dropped.map { ["name": $0] })
    } else {
      for name in dropped { try Console.print("dropped \(name)") }
    }
    if let failure { throw failure }
  }
}
