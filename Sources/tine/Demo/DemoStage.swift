import Control
import FoundationEssentials
import Glibc
import Processes
import Service
import SystemIO

/// The place where a demo plays: a temporary directory with a store of its own, and the store's daemon.
final class DemoStage: Sendable {
  /// The temporary directory; the store is in `store`, mounts go below `mounts`.
  let directory: String
  let engine: RemoteEngine
  let interruptions: Interruptions

  var store: String { directory + "/store" }

  init(interruptions: Interruptions) throws(Failure) {
    self.interruptions = interruptions
    let parent = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    var path = Array("\(parent)/tine-demo-XXXXXX\0".utf8)
    let made = path.withUnsafeMutableBytes { mkdtemp($0.baseAddress!.assumingMemoryBound(to: CChar.self)) != nil }
    guard made else { throw Failure(.failed, "cannot make a directory in \(parent.quoted): \(Errno.last)") }
    directory = String(decoding: path.dropLast(), as: UTF8.self)
    do throws(Failure) {
      try LocalEngine.create(at: directory + "/store")
      engine = try DaemonLauncher.engine(for: directory + "/store")
      // The daemon is no child of this process, what comes now is.
      do throws(Errno) { try ChildProcesses.adoptOrphans() } catch {
        throw Failure(.failed, "cannot adopt processes: \(error)")
      }
    } catch {
      Self.remove(directory)
      throw error
    }
  }

  /// Lets other users pass through the directory, so that they can reach what they may.
  func openForOthers() throws(Failure) {
    if chmod(directory, 0o755) != 0 { throw Failure(.failed, "cannot open \(directory.quoted): \(Errno.last)") }
  }

  /// Ends all processes of the demo, unmounts everything, ends the daemon and removes the directory.
  func close() {
    for process in ChildProcesses.endAll() { Console.note("could not end process \(process)") }
    Console.reportFailure { () throws(Failure) in try engine.shutDown(ShutdownRequest(force: true)) }
    Self.remove(directory)
  }

  /// Makes a directory below the stage's.
  func makeDirectory(_ name: String, permissions: mode_t = 0o755) throws(Failure) -> String {
    let path = "\(directory)/\(name)"
    if mkdir(path, permissions) != 0 { throw Failure(.failed, "cannot make \(path.quoted): \(Errno.last)") }
    return path
  }

  func writeFile(_ path: String, _ text: String) throws(Failure) {
    do { try Data(text.utf8).write(to: URL(filePath: path)) } catch {
      throw Failure(.failed, "cannot write \(path.quoted): \(error)")
    }
  }

  /// The bytes of the disk that a directory takes.
  func diskUse(of path: String) throws(Failure) -> UInt64 {
    let output = try run(["du", "-s", "--block-size=1", path])
    return output.split(whereSeparator: \.isWhitespace).first.flatMap { UInt64($0) } ?? 0
  }

  /// Runs a program to its end and returns what it printed; where it fails, the error says what it printed last.
  @discardableResult
  func run(
    _ arguments: [String], in directory: String? = nil, as user: User? = nil, input: String? = nil,
    environment: [(name: String, value: String)] = []
  ) throws(Failure) -> String {
    try interruptions.check()
    let (ending, output) = try finish(arguments, in: directory, as: user, input: input, environment: environment)
    try interruptions.check()
    guard ending == .exited(0) else {
      let reason = output.split(whereSeparator: \.isNewline).suffix(3).joined(separator: " | ")
      throw Failure(.failed, "\(arguments[0].quoted) ended with \(ending.code): \(Quoting.harmless(reason))")
    }
    return output
  }

  private func finish(
    _ arguments: [String], in directory: String?, as user: User?, input: String?,
    environment: [(name: String, value: String)]
  ) throws(Failure) -> (Child.Ending, String) {
    do throws(Errno) {
      let pipe = try Pipe()
      var command = Command(arguments, environment: Environment.with(environment))
      command.directory = directory.map { Array($0.utf8) }
      command.user = user
      command.output = pipe.writer.rawValue
      command.error = pipe.writer.rawValue
      let silence = try FileDescriptor(opening: input ?? "/dev/null", flags: O_RDONLY)
      command.input = silence.rawValue
      let child: Child
      do throws(SpawnError) { child = try command.start() } catch { throw error.errno }
      let output = String(decoding: try pipe.closeWriter().readAll(), as: UTF8.self)
      return (child.wait(), output)
    } catch {
      throw Failure(.failed, "cannot run \(arguments[0].quoted): \(error)")
    }
  }

  private static func remove(_ directory: String) {
    do { try FileManager.default.removeItem(atPath: directory) } catch {
      Console.note("could not remove \(directory.quoted): \(error)")
    }
  }
}

/// Tells a demo's story on standard output.
struct Narrator {
  private let style = Style(enabled: Console.outputIsTerminal)

  func title(_ text: String) throws(Failure) {
    try Console.print("")
    try Console.print(style.bold(text))
  }

  /// A step that is done, with its figure set apart.
  func step(_ text: String, _ figure: String = "") throws(Failure) {
    let padding = String(repeating: " ", count: max(2, 62 - text.count))
    try Console.print("  " + style.green("✓") + " " + text + (figure.isEmpty ? "" : padding + style.faint(figure)))
  }

  func line(_ text: String) throws(Failure) { try Console.print("    " + text) }
}

/// The seconds that some work takes.
func timed<Value>(_ body: () throws(Failure) -> Value) throws(Failure) -> (Value, seconds: Double) {
  let started = ContinuousClock.now
  let value = try body()
  let (seconds, attoseconds) = started.duration(to: .now).components
  return (value, Double(seconds) + Double(attoseconds) / 1e18)
}
