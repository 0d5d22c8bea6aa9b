import ArgumentParser
import Control
import Glibc
import Processes
import SystemIO

/// `tine run`
struct Run: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Run a command in a fork of its own, and tell what it changed.",
    discussion: """
      The command starts in the fork's root, with the fork's name in TINE_FORK. Its exit code is passed on (128 and the \
      number of the signal that killed it; 125 where tine failed, 126 and 127 where the command could not be run). The \
      fork is dropped in the end, with every process that the command left, unless --keep is given.
      """)

  @Option(name: .long, help: "The fork or snapshot to start from.")
  var from: String

  @Option(help: ArgumentHelp("Show the fork at this directory, to the command alone.", valueName: "directory"))
  var at: PathArgument?

  @Option(
    defaultAsFlag: "",
    help: ArgumentHelp("Keep the fork, under this name where one is given.", valueName: "name"))
  var keep: String?

  @Argument(parsing: .postTerminator, help: "The command and its arguments, after --.")
  var command: [String] = []

  @OptionGroup var store: StoreOptions

  @Flag(help: "When the command has ended, print what it changed in JSON to the standard output.")
  var json = false

  func validate() throws {
    if command.isEmpty { throw ValidationError("Name the command to run after --.") }
    if at?.path.resolved == BytePath("/") { throw ValidationError("--at cannot be the root directory.") }
  }

  func run() throws {
    do {
      Caller.prepareEnvironment(shownAt: at?.path.resolved)
      let directory = try store.directory()
      // Ctrl-C ends this command as any other, until there is something to put in order.
      let engine = try DaemonLauncher.engine(for: directory)
      let interruptions = try Interruptions()
      let code = try RunSession(
        engine: engine, store: directory, interruptions: interruptions,
        arguments: command.map(\.carriedBytes), shownAt: at?.path.resolved, keep: keep, json: json
      ).run(from: from)
      throw ExitCode(code)
    } catch let failure as Failure where failure != .readerIsGone {
      Console.report(failure)
      throw ExitCode(failure.kind == .canceled ? failure.exitCode : RunExit.tineFailed)
    }
  }
}

/// One command in one fork.
private struct RunSession {
  let engine: RemoteEngine
  let store: String
  let interruptions: Interruptions
  let arguments: [[UInt8]]
  let shownAt: BytePath?
  let keep: String?
  let json: Bool

  /// Runs the command and returns the exit code to pass on.
  func run(from reference: String) throws -> Int32 {
    let fresh = freshName("run")
    let name = keep.flatMap { $0.isEmpty ? nil : $0 } ?? fresh
    let origin = try Origin(reference, for: fresh, engine: engine)
    let code: Int32
    do {
      try origin.fork(name)
      code = try runForked(name, origin)
    } catch {
      try origin.close()
      throw error
    }
    try origin.close()
    return code
  }

  private func runForked(_ name: String, _ origin: Origin) throws -> Int32 {
    var isSettled = false
    defer { if !isSettled { Console.reportFailure { () throws(Failure) in try engine.drop(name) } } }
    let workspace = try Workspace(mounting: name, of: store, engine: engine, shownAt: shownAt)
    let code: Int32
    let changes: [Change]
    do {
      code = try execute(in: workspace)
      changes = try engine.diff(DiffRequest(old: origin.reference, new: name))
    } catch {
      try workspace.close()
      throw error
    }
    try workspace.close()
    if keep != nil { try engine.session().keep(name) }
    isSettled = keep != nil
    try report(changes, name, isKept: keep != nil)
    if keep == nil {
      isSettled = true
      try engine.drop(name)
    }
    return code
  }

  private func execute(in workspace: Workspace) throws -> Int32 {
    try ChildProcesses.adoptOrphans()
    let program: Program
    let command: ReapedCommand
    do throws(SpawnError) {
      program = try Program(arguments[0], shownAt: shownAt)
      command = try ReapedCommand(workspace.command([program.path] + arguments.dropFirst(), variables: []))
    } catch {
      guard error.step == .program else { throw Failure(error, starting: arguments[0]) }
      Console.report(Failure(error, starting: arguments[0]))
      return error.errno == .noSuchFile ? RunExit.noSuchProgram : RunExit.cannotExecute
    }
    let ending = withExtendedLifetime(program) { wait(for: command) }
    try command.endEverything()
    return ending.code
  }

  /// Waits for the command. Ctrl-C reaches it from the terminal; signals that only this process gets are passed on.
  private func wait(for command: ReapedCommand) -> Child.Ending {
    while true {
      if let ending = command.wait(orReadable: interruptions.descriptor) { return ending }
      if let (signal, fromTerminal) = interruptions.take(), !fromTerminal { command.signal(signal) }
    }
  }

  private func report(_ changes: [Change], _ name: String, isKept: Bool) throws {
    if json {
      try Console.print(json: changes)
    } else {
      Diff.statLines(changes, limit: 20).forEach(Console.note)
    }
    if isKept { Console.note("kept the fork \(name)") }
  }
}
