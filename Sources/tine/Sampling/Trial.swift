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
    let score: Double?
    let seconds: Double
    let lastLine: String
  }

  func run() throws(Failure) -> Outcome {
    let variables = [("TINE_ATTEMPT", String(number))]
    let started = ContinuousClock.now
    let (ending, lastLine) = try execute(plan.arguments, variables, into: try attemptOutput())
    let time = started.duration(to: .now).components
    let seconds = Double(time.seconds) + Double(time.attoseconds) / 1e18
    let score = try plan.score.map { (command) throws(Failure) in
      try self.score(command, variables + [("TINE_EXIT", String(ending.code))])
    }
    return Outcome(ending: ending, score: score ?? nil, seconds: seconds, lastLine: lastLine)
  }

  /// The number that the score command prints last; nil where it fails or prints none.
  private func score(_ command: [UInt8], _ variables: [(String, String)]) throws(Failure) -> Double? {
    let shell = [Array("sh".utf8), Array("-c".utf8), command]
    let output = try keeping { () throws(Errno) in try Output(temporaryIn: store) }
    let (ending, line) = try execute(shell, variables, into: output, withErrors: false)
    let number = line.split(whereSeparator: \.isWhitespace).first.flatMap { Double($0) }
    return ending == .exited(0) && number?.isFinite == true ? number : nil
  }

  /// Runs one command to its end, or to the person's interruption, and returns the last line that it printed.
  private func execute(
    _ arguments: [[UInt8]], _ variables: [(String, String)], into output: consuming Output, withErrors: Bool = true
  ) throws(Failure) -> (Child.Ending, String) {
    try interruptions.check()
    let silence = try keeping { () throws(Errno) in try FileDescriptor(opening: "/dev/null", flags: O_RDWR) }
    var command = workspace.command(arguments, variables: variables)
    command.group = .own
    command.input = silence.rawValue
    command.output = output.descriptor
    command.error = withErrors ? output.descriptor : silence.rawValue
    let running: ReapedCommand
    do throws(SpawnError) { running = try ReapedCommand(command) } catch {
      throw Failure(error, starting: arguments[0])
    }
    let ending = running.wait(orReadable: interruptions.descriptor)
    // Nothing of an attempt may write any more when it is scored.
    try running.endEverything()
    guard let ending else { throw .interrupted }
    return (ending, try keeping { () throws(Errno) in try output.lastLine() })
  }

  private func attemptOutput() throws(Failure) -> Output {
    try keeping { () throws(Errno) in
      guard let logs = plan.logs else { return try Output(temporaryIn: store) }
      return try Output(at: "\(logs)/\(number).log")
    }
  }

  private func keeping<Value: ~Copyable>(_ body: () throws(Errno) -> Value) throws(Failure) -> Value {
    do throws(Errno) { return try body() } catch {
      throw Failure(.failed, "cannot keep what an attempt prints: \(error)")
    }
  }
}
