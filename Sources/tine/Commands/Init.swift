import ArgumentParser
import Control
import Glibc
import Service
import SystemIO

/// `tine init`
struct Init: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Make a store.")

  @OptionGroup var store: StoreOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let directory = try store.directory()
    if store.isDefault { makeParents(of: directory) }
    try LocalEngine.create(at: directory)
    if output.json {
      try Console.print(json: ["store": directory])
    } else {
      try Console.print("made a store in \(directory.quoted)")
    }
  }

  /// Makes the user's data directory, as the XDG specification asks of programs that write there. Where that fails,
  /// making the store says why.
  private func makeParents(of directory: String) {
    for index in directory.indices.dropFirst() where directory[index] == "/" {
      mkdir(String(directory[..<index]), 0o700)
    }
  }
}
