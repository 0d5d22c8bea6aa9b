import ArgumentParser
import Control

/// `tine export`
struct Export: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Write a fork or snapshot out into a directory.",
    discussion: "The directory is made, or must be empty. Owners are kept where this user may set them.")

  @Argument(help: "The fork or snapshot.")
  var reference: String

  @Argument(help: "The directory.")
  var directory: PathArgument

  @OptionGroup var store: StoreOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let interruptions = try Interruptions()
    let request = ExportRequest(reference: reference, directory: directory.path)
    let report = try store.withEngine(interruptions) { engine in
      try withProgress(interruptions) { (progress) throws(Failure) in
        try engine.exportDirectory(request, progress: progress)
      }
    }
    if output.json {
      try Console.print(json: report)
    } else {
      let entries = Units.count(report.entries, "entry", plural: "entries")
      try Console.print("exported \(entries), \(Units.bytes(report.bytes)), from \(report.name)")
    }
  }
}
