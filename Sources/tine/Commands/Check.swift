import ArgumentParser
import Control

/// `tine check`
struct Check: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Verify everything that the store holds.",
    discussion: "Exits with 6 where something is wrong, and names it.")

  @OptionGroup var store: StoreOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let interruptions = try Interruptions()
    let report = try store.withEngine(interruptions) { engine in
      try withProgress(interruptions) { (progress) throws(Failure) in try engine.check(progress: progress) }
    }
    if output.json { try Console.print(json: report) }
    guard report.problems.isEmpty else {
      if !output.json { report.problems.forEach { Console.print(line($0)) } }
      let count = Units.count(UInt64(report.problems.count), "problem")
      throw Failure(.damaged, "the check found \(count)", hint: "export what is still readable before anything else")
    }
    if !output.json {
      let parts = [
        Units.count(report.heads, "head"), Units.count(report.entries, "entry", plural: "entries"),
        Units.count(report.nodes, "node"), Units.count(report.blocks, "block"), Units.count(report.records, "record"),
      ]
      Console.print("all is well: \(parts.joined(separator: ", "))")
    }
  }

  private func line(_ problem: CheckReport.Problem) -> String {
    ([problem.name, problem.path].compactMap { $0 } + [problem.message]).joined(separator: ": ")
  }
}
