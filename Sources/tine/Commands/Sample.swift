import ArgumentParser
import Control
import Glibc
import SystemIO

/// `tine sample`
struct Sample: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Run a command many times, each time in a fork of its own, and keep the best.",
    discussion: """
      All attempts start from the same state. Each has its number in TINE_ATTEMPT and its fork's name in TINE_FORK. The \
      score command runs in the same place after each (with the attempt's exit code in TINE_EXIT), and the last line \
      that it prints is a number: more is better. Without it, exit code 0 is better than others. Then less time is \
      better. The best forks are kept, the rest is dropped, with every process that the attempts left. Exits with 1 \
      where no attempt exited with 0.
      """)

  @Option(name: .long, help: "The fork or snapshot to start from.")
  var from: String

  @Option(
    name: [.customShort("n"), .customLong("attempts")], help: ArgumentHelp("How many attempts.", valueName: "count"))
  var attempts: Int

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("How many run at a time; without it one for each processor.", valueName: "count"))
  var jobs: Int?

  @Option(help: ArgumentHelp("Show each fork at this directory, to its attempt alone.", valueName: "directory"))
  var at: PathArgument?

  @Option(help: ArgumentHelp("A shell command that prints an attempt's score.", valueName: "command"))
  var score: String?

  @Option(help: ArgumentHelp("How many forks to keep.", valueName: "count"))
  var keepBest: Int = 1

  @Option(help: ArgumentHelp("Name the forks NAME-1, NAME-2 and so on.", valueName: "name"))
  var name: String?

  @Option(help: ArgumentHelp("Write what each attempt prints to DIRECTORY/ATTEMPT.log.", valueName: "directory"))
  var logs: PathArgument?

  @Argument(parsing: .postTerminator, help: "The command and its arguments, after --.")
  var command: [String] = []

  @OptionGroup var store: StoreOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    if command.isEmpty { throw ValidationError("Name the command to run after --.") }
    if at?.path.resolved == BytePath("/") { throw ValidationError("--at cannot be the root directory.") }
    if !(1...100_000).contains(attempts) { throw ValidationError("-n must be between 1 and 100,000.") }
    if let jobs, jobs < 1 { throw ValidationError("--jobs must be at least 1.") }
    if keepBest < 0 { throw ValidationError("--keep-best cannot be negative.") }
  }

  func run() throws {
    let directory = try store.directory()
    Caller.prepareEnvironment(shownAt: at?.path.resolved)
    let arguments = command.map(\.carriedBytes)
    let program = try Program(starting: arguments[0], shownAt: at?.path.resolved)
    let scoring = try score.map { (script) throws(Failure) in
      try ScoreCommand(script.carriedBytes, shownAt: at?.path.resolved)
    }
    if let logs { try makeDirectory(logs.path) }
    let plan = SamplePlan(
      origin: from, name: name ?? freshName("sample"), attempts: attempts,
      jobs: jobs ?? max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))), shownAt: at?.path.resolved,
      program: program, arguments: arguments, score: scoring, keepBest: keepBest, logs: logs?.path)
    // Ctrl-C ends this command as any other, until there is something to put in order.
    let engine = try DaemonLauncher.engine(for: directory)
    let interruptions = try Interruptions()
    let ranking = try SampleSession(plan, engine: engine, store: directory, interruptions: interruptions).run()
    for attempt in ranking.sorted(by: { $0.attempt < $1.attempt }) {
      if let reason = attempt.scoreError { Console.note("attempt \(attempt.attempt) has no score: \(reason)") }
    }
    if output.json { try Console.print(json: ranking) } else { try show(ranking) }
    if score != nil, !ranking.contains(where: { $0.score != nil }) {
      throw Failure(.failed, "no attempt has a score, so no fork was kept")
    }
    if !ranking.contains(where: { $0.exitCode == 0 }) { throw ExitCode.failure }
  }

  private func makeDirectory(_ directory: BytePath) throws(Failure) {
    guard mkdir(directory.bytes.cString, 0o755) != 0, Errno.last != .exists else { return }
    throw Failure(.failed, "cannot make \(directory.quoted): \(Errno.last)")
  }

  private func show(_ ranking: [RankedAttempt]) throws(Failure) {
    var table = Table(
      .right("rank"), .left("fork"), .right("exit"), .right("score"), .right("time"), .right("files"),
      .right("changed"), .left(""))
    for attempt in ranking {
      table.add(
        String(attempt.rank), attempt.name, String(attempt.exitCode), attempt.score.map(Units.score) ?? "–",
        Units.duration(seconds: attempt.seconds), Units.grouped(UInt64(attempt.files)), Units.bytes(attempt.bytes),
        attempt.kept ? "kept" : attempt.exitCode == 0 ? "" : Quoting.harmless(String(carrying: attempt.lastLine.bytes)),
        emphasis: attempt.kept ? .strong : attempt.exitCode == 0 ? .none : .faint)
    }
    try table.print()
  }
}
