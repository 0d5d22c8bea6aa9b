import ArgumentParser
import Control

/// `tine version`
struct Version: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Print the version.")

  @OptionGroup var output: OutputOptions

  func run() throws {
    if output.json {
      try Console.print(json: VersionReport.current)
    } else {
      try Console.print("tine \(VersionReport.current.version)")
    }
  }
}
