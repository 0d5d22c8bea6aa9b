import ArgumentParser
import Control

/// `tine import`
struct Import: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Bring a directory in as a new fork.",
    discussion: """
      Files, links, permissions, times and extended attributes are kept. Root keeps owners too; with others the files \
      are theirs. The directory must stand still meanwhile. Ctrl-C leaves nothing behind.
      """)

  @Argument(help: "The new fork's name.")
  var name: String

  @Argument(help: "The directory.")
  var directory: PathArgument

  @Flag(
    help:
      "Files belong to whom they belong to in the directory, by number. Without root's rights they may be of no use.")
  var keepOwners = false

  @OptionGroup var store: StoreOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let interruptions = try Interruptions()
    let request = ImportRequest(name: name, directory: directory.path, keepOwners: keepOwners ? true : nil)
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
