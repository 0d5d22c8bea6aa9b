import Glibc
import SystemIO
import Testing

@testable import Processes

let environment = [Array("PATH=/usr/bin:/bin".utf8), Array("TINE_TEST=yes".utf8)]

/// Runs a shell command and returns its ending and what it printed.
func shell(_ script: String, _ change: (inout Command) -> Void = { _ in }) throws -> (Child.Ending, String) {
  let pipe = try Pipe()
  var command = Command(["sh", "-c", script], environment: environment)
  command.output = pipe.writer.rawValue
  change(&command)
  let child = try command.start()
  let output = try pipe.closeWriter().readAll()
  return (child.wait(), String(decoding: output, as: UTF8.self))
}

@Suite("Commands")
struct CommandTests {
  @Test("Arguments, environment and exit code pass through")
  func basics() throws {
    let (ending, output) = try shell("echo $TINE_TEST; exit 7")
    #expect(ending == .exited(7))
    #expect(output == "yes\n")
  }

  @Test("A killed process reports 128 and its signal")
  func killed() throws {
    let (ending, _) = try shell("kill -TERM $$")
    #expect(ending == .killed(signal: SIGTERM))
    #expect(ending.code == 143)
  }

  @Test("The working directory is the one asked for")
  func directory() throws {
    let (_, output) = try shell("pwd") { $0.directory = Array("/usr".utf8) }
    #expect(output == "/usr\n")
  }

  @Test("What cannot start says at which step, and leaves no process")
  func failures() throws {
    let error = #expect(throws: SpawnError.self) { try Command(["/no/such/program"], environment: []).start() }
    #expect(error?.step == .program)
    #expect(error?.errno == .noSuchFile)
    var command = Command(["true"], environment: environment)
    command.directory = Array("/no/such/directory".utf8)
    #expect(throws: SpawnError.self) { try command.start() }
  }

  @Test("Signals blocked or ignored here are at their default there")
  func signals() throws {
    let (ending, _) = try shell("kill -PIPE $$; exit 0")
    #expect(ending == .killed(signal: SIGPIPE))
  }

  @Test("A process group is ended together, by force where need be")
  func groups() throws {
    var command = Command(["sh", "-c", "trap '' TERM; sleep 100 & wait; sleep 100"], environment: environment)
    command.group = .own
    let pipe = try Pipe()
    command.output = pipe.writer.rawValue
    let child = try command.start()
    #expect(child.wait(atMost: 50) == nil)
    #expect(child.end(grace: 100) == .killed(signal: SIGKILL))
    // The pipe ends when the last process of the group is gone.
    #expect(try pipe.closeWriter().readAll().isEmpty)
  }

  @Test("A daemon is no child, and its start is still reported")
  func daemons() throws {
    let pipe = try Pipe()
    var command = Command(["sh", "-c", "echo $PPID"], environment: environment)
    command.output = pipe.writer.rawValue
    try command.startDetached()
    let output = String(decoding: try pipe.closeWriter().readAll(), as: UTF8.self)
    #expect(output != "\(getpid())\n")
    #expect(throws: SpawnError.self) { try Command(["/no/such"], environment: []).startDetached() }
  }

  /// A lock that a caller held was never released, and a pipe that it wrote to never ended.
  @Test("A daemon has no file of its starter open")
  func descriptors() throws {
    let pipe = try Pipe()
    let kept = fcntl(STDERR_FILENO, F_DUPFD, 77)
    defer { close(kept) }
    var command = Command(["sh", "-c", "for file in /proc/$$/fd/*; do echo ${file##*/}; done"], environment: environment)
    command.input = STDERR_FILENO
    command.output = pipe.writer.rawValue
    command.extra = STDERR_FILENO
    try command.startDetached()
    let output = String(decoding: try pipe.closeWriter().readAll(), as: UTF8.self)
    let descriptors = Set(output.split(separator: "\n").compactMap { Int32($0) })
    #expect(descriptors.isSuperset(of: 0...3))
    #expect(!descriptors.contains(kept))
  }

  @Test("A directory is shown at another place, to the command alone", .enabled(if: geteuid() == 0, "needs root"))
  func views() throws {
    let (ending, output) = try shell("cat /mnt/hostname 2>/dev/null || ls /mnt | wc -l") {
      $0.view = Command.View(source: Array("/proc/sys/kernel".utf8), target: Array("/mnt".utf8))
    }
    #expect(ending == .exited(0))
    #expect(!output.isEmpty)
    #expect(access("/mnt/hostname", F_OK) == -1)
  }
}

@Suite("Users")
struct UserTests {
  @Test("Root is found, nobody's namesake is not")
  func lookup() throws {
    #expect(try User(named: "root")?.number == 0)
    #expect(try User(named: "no such user") == nil)
  }
}
