import ArgumentParser
import Control

/// `tine gc`
struct GC: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "gc", abstract: "Free the space that no fork and no snapshot uses.")

  @OptionGroup var store: StoreOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let interruptions = try Interruptions()
    let report = try store.withEngine(interruptions) { engine in
      try withProgress(interruptions) { (progress) throws(Failure) in try engine.collectGarbage(progress: progress) }
    }
    if output.json {
      try Console.print(json: report)
    } else {
      try Console.print("freed \(Units.bytes(report.freedBytes)) in \(Units.count(report.freedSegments, "segment"))")
    }
  }
}
