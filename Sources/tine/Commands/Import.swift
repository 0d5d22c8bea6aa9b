import ArgumentParser
import Control

/// `tine import`
struct Import: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Bring a directory in as a new fork.",
    discussion: """
      Files, links, owners, permissions, times and extended attributes are kept. The directory must stand still \
      meanwhile. Ctrl-C leaves nothing behind.
      """)

  @Argument(help: "The new fork's name.")
  var name: String

  @Argument(help: "The directory.")
  var directory: PathArgument

  @OptionGroup var store: StoreOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let interruptions = try Interruptions()
    let request = ImportRequest(name: name, directory: directory.path)
    let report = try store.withEngine(interruptions) { engine in
      try withProgress(interruptions) { (progress) throws(Failure) in
        try engine.importDirectory(request, progress: progress)
      }
    }
    if output.json {
      try Console.print(json: report)
    } else {
      let entries = Units.count(report.entries, "entry", plural: "entries")
      try Console.print("imported \(entries), \(Units.bytes(report.bytes)), as \(report.name)")
    }
  }
}
