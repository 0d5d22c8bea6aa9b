import Control
import Glibc
import Processes
import SystemIO

/// The two commands of one attempt: the one that tries, and the one that scores.
struct Trial {
  let plan: SamplePlan
  let number: Int
  let workspace: Workspace
  let store: String
  let interruptions: Interruptions

  struct Outcome {
    let ending: Child.Ending
    let score: Score?
    let seconds: Double
    let lastLine: BytePath
  }

  func run() throws(Failure) -> Outcome {
    let variables = [("TINE_ATTEMPT", String(number))]
    let started = ContinuousClock.now
    let output = try attemptOutput()
    let ending = try execute(
      workspace.command([plan.program.path] + plan.arguments.dropFirst(), variables: variables),
      named: plan.arguments[0], output: output.descriptor, error: output.descriptor)
    let lastLine = try keeping { () throws(Errno) in try output.lastLine() }
    let time = started.duration(to: .now).components
    let seconds = Double(time.seconds) + Double(time.attoseconds) / 1e18
    let score = try plan.score.map { (command) throws(Failure) in
      try self.score(command, variables + [("TINE_EXIT", String(ending.code))])
    }
    return Outcome(ending: ending, score: score, seconds: seconds, lastLine: BytePath(lastLine.bytes))
  }

  private func score(_ score: ScoreCommand, _ variables: [(String, String)]) throws(Failure) -> Score {
    let shell = [Array("sh".utf8), Array("-c".utf8), score.script]
    let output = try temporaryOutput()
    let errors = try temporaryOutput()
    let ending = try execute(
      workspace.command(shell, variables: variables), named: shell[0], output: output.descriptor,
      error: errors.descriptor)
    return try keeping { () throws(Errno) in
      Score(ending, line: try output.lastLine(), complaint: try errors.lastLine())
    }
  }

  /// Runs one command to its end, or to the person's interruption.
  private func execute(
    _ command: Command, named name: [UInt8], output: Int32, error: Int32
  ) throws(Failure) -> Child.Ending {
    try interruptions.check()
    let silence = try keeping { () throws(Errno) in try FileDescriptor(opening: "/dev/null", flags: O_RDWR) }
    var command = command
    command.group = .own
    command.input = silence.rawValue
    command.output = output
    command.error = error
    let running: ReapedCommand
    do throws(SpawnError) { running = try ReapedCommand(command) } catch { throw Failure(error, starting: name) }
    let ending = running.wait(orReadable: interruptions.descriptor)
    // Nothing of an attempt may write any more when it is scored.
    try running.endEverything()
    guard let ending else { throw .interrupted }
    return ending
  }

  private func attemptOutput() throws(Failure) -> Output {
    guard let logs = plan.logs else { return try temporaryOutput() }
    return try keeping { () throws(Errno) in
      try Output(at: BytePath(logs.bytes + Array("/\(number).log".utf8)))
    }
  }

  private func temporaryOutput() throws(Failure) -> Output {
    try keeping { () throws(Errno) in try Output(temporaryIn: store) }
  }

  private func keeping<Value: ~Copyable>(_ body: () throws(Errno) -> Value) throws(Failure) -> Value {
    do throws(Errno) { return try body() } catch {
      throw Failure(.failed, "cannot keep what an attempt prints: \(error)")
    }
  }
}
