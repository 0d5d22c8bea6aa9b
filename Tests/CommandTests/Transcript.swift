import Foundation
import Processes
import SystemIO
import Testing

/// A session with the command line, as a file: `$ command` lines, what each printed (standard output and error as they came),
/// and `[code]` where it did not exit with 0.
///
/// Commands run in an empty directory with a store at `$DIR/store`. What differs from run to run is written as a word in
/// capitals. With TINE_RECORD in the environment the files are written anew instead of being compared.
struct Transcript {
  struct Step: Equatable {
    var command: String
    var output: [String]
  }

  let url: URL
  let steps: [Step]

  init(named name: String) throws {
    url = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Transcripts/\(name).txt")
    var steps: [Step] = []
    for line in try String(contentsOf: url, encoding: .utf8).split(separator: "\n", omittingEmptySubsequences: false) {
      if line.hasPrefix("$ ") {
        steps.append(Step(command: String(line.dropFirst(2)), output: []))
      } else if !line.isEmpty, !steps.isEmpty {
        steps[steps.count - 1].output.append(String(line))
      }
    }
    self.steps = steps
  }

  /// Runs the commands and compares what they print.
  func replay() throws {
    let stage = try Stage()
    defer { stage.close() }
    var actual: [Step] = []
    for step in steps { actual.append(Step(command: step.command, output: try stage.run(step.command))) }
    if ProcessInfo.processInfo.environment["TINE_RECORD"] != nil {
      let text = actual.map { (["$ " + $0.command] + $0.output).joined(separator: "\n") }.joined(separator: "\n\n")
      try (text + "\n").write(to: url, atomically: true, encoding: .utf8)
      return
    }
    for (expected, actual) in zip(steps, actual) {
      #expect(actual.output == expected.output, "$ \(expected.command)")
    }
  }
}

/// An empty directory in which commands run, and a store of its own.
struct Stage {
  let directory: String

  init() throws {
    var template = Array("/tmp/tine-test-XXXXXX\0".utf8)
    let made = template.withUnsafeMutableBytes { mkdtemp($0.baseAddress!.assumingMemoryBound(to: CChar.self)) }
    try #require(made != nil)
    directory = String(decoding: template.dropLast(), as: UTF8.self)
  }

  /// Ends the store's daemon, where one runs, and removes everything.
  func close() {
    _ = try? run("tine stop --force")
    try? FileManager.default.removeItem(atPath: directory)
  }

  /// Runs a shell command; returns its lines, made the same for each run, and its exit code if it is not 0.
  func run(_ script: String) throws -> [String] {
    let (output, code) = try execute(script)
    var lines = output.split(separator: "\n", omittingEmptySubsequences: true).map { normalize(String($0)) }
    if code != 0 { lines.append("[\(code)]") }
    return lines
  }

  /// Runs a shell command; returns what it printed and its exit code.
  func execute(_ script: String) throws -> (output: String, code: Int32) {
    let (output, code) = try executeForBytes(script)
    return (String(decoding: output, as: UTF8.self), code)
  }

  /// The same, with what it printed byte by byte.
  func executeForBytes(_ script: String) throws -> (output: [UInt8], code: Int32) {
    let pipe = try Processes.Pipe()
    let own = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Programs").path
    let path = "\(Self.programs):\(own):/usr/sbin:/usr/bin:/sbin:/bin"
    let variables = [
      "PATH=\(path)", "TINE_STORE=\(directory)/store", "TMPDIR=\(directory)", "HOME=\(directory)", "LC_ALL=C.UTF-8",
    ]
    var command = Processes.Command(["sh", "-c", script], environment: variables.map { Array($0.utf8) })
    command.directory = Array(directory.utf8)
    command.output = pipe.writer.rawValue
    command.error = pipe.writer.rawValue
    let silence = try FileDescriptor(opening: "/dev/null", flags: O_RDONLY)
    command.input = silence.rawValue
    let child = try command.start()
    let output = try pipe.closeWriter().readAll()
    return (output, child.wait().code)
  }

  /// The directory with the programs that were built: that of this test.
  static var programs: String {
    let path = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    return URL(filePath: path ?? ".").deletingLastPathComponent().path
  }

  private func normalize(_ line: String) -> String {
    line.replacingOccurrences(of: directory, with: "DIR")
      .replacing(#/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z/#, with: "MOMENT")
      .replacing(#/just now|\d+ (s|min) ago/#, with: "AGE")
      .replacing(#/\b\d+(\.\d+)? (µs|ms|s)\b/#, with: "TIME")
      .replacing(#/process \d+/#, with: "process NUMBER")
      .replacing(#/\brun-[0-9a-f]{6}\b/#, with: "run-ID")
      .replacing(#/"device":\d+/#, with: #""device":NUMBER"#)
      .replacing(#/  +/#, with: "  ")
      .replacing(#/\s+$/#, with: "")
  }
}

/// Whether this machine can mount.
let canMount = access("/dev/fuse", R_OK | W_OK) == 0
