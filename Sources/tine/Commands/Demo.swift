import ArgumentParser
import Control
import Glibc

/// `tine demo`
struct Demo: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show what Tine does, on a small real database in a temporary store.",
    discussion: """
      Without an option: a shop's SQLite database, and a hundred migrations of it, each tried in a fork of its own. With \
      --postgres: a PostgreSQL server that runs on a mount, is forked while clients write to it, and each fork proves \
      that it holds every commit that was acknowledged before it was taken. Nothing is left behind.
      """)

  @Flag(help: "Fork a PostgreSQL server under load.")
  var postgres = false

  @Option(help: ArgumentHelp("How many forks: 100, or 10 with --postgres.", valueName: "count"))
  var forks: Int?

  @Option(help: ArgumentHelp("With --postgres: how long the load lasts.", valueName: "seconds"))
  var duration: Int = 120

  @Option(help: ArgumentHelp("With --postgres: pgbench's scale; 1 is some 15 MB.", valueName: "factor"))
  var scale: Int = 20

  @Option(help: ArgumentHelp("With --postgres: how many clients write at a time.", valueName: "count"))
  var clients: Int = 4

  func validate() throws {
    if let forks, !(1...10_000).contains(forks) { throw ValidationError("--forks must be between 1 and 10,000.") }
    if min(duration, scale, clients) < 1 {
      throw ValidationError("--duration, --scale and --clients must be at least 1.")
    }
  }

  func run() throws {
    if !postgres { try Programs.require("sqlite3", package: "sqlite3") }
    let interruptions = try Interruptions()
    let stage = try DemoStage(interruptions: interruptions)
    defer { stage.close() }
    do throws(Failure) {
      if postgres {
        try PostgresDemo(stage: stage, forks: forks ?? 10, seconds: duration, scale: scale, clients: clients).run()
      } else {
        try SQLiteDemo(stage: stage, attempts: forks ?? 100).run()
      }
    } catch {
      throw interruptions.arePending ? .interrupted : error
    }
  }
}

/// Programs that the demos need.
enum Programs {
  /// Fails with a hint where a program is not installed.
  static func require(_ name: String, package: String) throws(Failure) {
    guard find(name) == nil else { return }
    throw Failure(
      .notSupported, "the demo needs the program \(name), which is not installed",
      hint: "on Debian and Ubuntu: apt install \(package)")
  }

  /// The path of a program, looked for in PATH.
  static func find(_ name: String) -> String? {
    let path = getenv("PATH").map { String(cString: $0) } ?? "/usr/bin:/bin"
    return path.split(separator: ":").map { "\($0)/\(name)" }.first { access($0, X_OK) == 0 }
  }
}
