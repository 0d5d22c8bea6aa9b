import Glibc
import Workloads

/// Measures Tine against its peers in one run, on one disk, in alternation, and prints what came out with ratios.
///
/// Needs root, for it mounts. Everything it makes lies in one temporary directory and is removed at the end, also after Ctrl-C.
@main
enum Compare {
  static let scenarios: [any Scenario] = [
    StartScenario(), ForkScenario(), FirstWriteScenario(), DiffScenario(), ImportScenario(), MemoryScenario(),
    AppendScenario(), PostgresScenario(), TreeScenario(), TakeoverScenario(),
  ]

  static func main() {
    do {
      let options = try Options(Array(CommandLine.arguments.dropFirst()), scenarios.map(\.name))
      if options.wantsHelp { return printHelp() }
      guard geteuid() == 0 else { throw Program.Failure("it mounts, so it needs root") }
      Cleanup.handleSignals()
      let bench = try Bench(options)
      let figures = run(scenarios.filter { options.scenarios.contains($0.name) }, on: bench)
      Cleanup.run()
      print(options.json ? Report.json(figures, bench) : Report.table(figures, bench))
    } catch {
      Cleanup.run()
      complain("error: \(error)")
      exit(1)
    }
  }

  private static func run(_ scenarios: [any Scenario], on bench: Bench) -> [Figure] {
    var figures: [Figure] = []
    for scenario in scenarios {
      complain("\(scenario.name): \(scenario.summary)…")
      do {
        let found = try scenario.run(bench)
        // Early, for those who watch or interrupt a long run.
        for figure in found { complain("  " + Report.line(figure)) }
        figures += found
      } catch {
        if Cleanup.hasBegun { Cleanup.run() }
        figures.append(Figure(scenario.name, note: "failed: \(error)"))
      }
    }
    return figures
  }

  private static func printHelp() {
    print("usage: Compare [scenario…] [--json] [--quick] [--tine PROGRAM] [--directory DIRECTORY]\n\nscenarios:")
    for scenario in scenarios { print("  \(scenario.name.padded(to: 10))\(scenario.summary)") }
  }
}

/// One thing to measure.
protocol Scenario: Sendable {
  var name: String { get }
  var summary: String { get }
  func run(_ bench: Bench) throws -> [Figure]
}

/// Says something on standard error, where it does not mix with the results.
func complain(_ line: String) {
  let bytes = Array((line + "\n").utf8)
  _ = write(STDERR_FILENO, bytes, bytes.count)
}
