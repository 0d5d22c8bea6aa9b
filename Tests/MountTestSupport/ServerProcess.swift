import CLinux
import Glibc
import SystemIO

/// A server that runs as a process of its own, takes commands, one a line, and answers each with a line. It is killed with
/// its owner.
public final class ServerProcess {
  private let process: pid_t
  private let commands: UnsafeMutablePointer<FILE>
  private let answers: UnsafeMutablePointer<FILE>
  private var isRunning = true

  /// What keeps a test from working with a server.
  public struct Failure: Error, CustomStringConvertible {
    public let description: String
  }

  /// Starts a program that lies beside the test bundle.
  public init(_ program: String, _ arguments: [String]) throws {
    let toServer = try Self.makePipe()
    let fromServer = try Self.makePipe()
    process = try Self.spawn(program, arguments, input: toServer[0], output: fromServer[1])
    close(toServer[0])
    close(fromServer[1])
    guard let commands = fdopen(toServer[1], "w"), let answers = fdopen(fromServer[0], "r") else {
      throw Failure(description: "no streams: \(Errno.last)")
    }
    self.commands = commands
    self.answers = answers
  }

  deinit {
    kill()
    fclose(commands)
    fclose(answers)
  }

  /// Sends a command and returns the server's next line.
  @discardableResult
  public func ask(_ command: String) throws -> String {
    send(command)
    return try receive()
  }

  /// Sends a command; `receive` waits for the answer.
  public func send(_ command: String) {
    fputs(command + "\n", commands)
    fflush(commands)
  }

  /// The server's next line.
  public func receive() throws -> String {
    var line: UnsafeMutablePointer<CChar>?
    var capacity = 0
    defer { free(line) }
    guard getline(&line, &capacity, answers) > 0, let line else { throw Failure(description: "the server has gone") }
    return String(String(cString: line).dropLast())
  }

  /// Sends a command, if any, and fails where the server's next line is another one.
  public func expect(_ answer: String, to command: String? = nil) throws {
    let line = try command.map { try ask($0) } ?? receive()
    guard line == answer else { throw Failure(description: "\(command ?? "the server's start"): \(line)") }
  }

  /// Kills the server as `kill -9` does.
  public func kill() {
    guard isRunning else { return }
    isRunning = false
    Glibc.kill(process, SIGKILL)
    var status: Int32 = 0
    waitpid(process, &status, 0)
  }

  private static func makePipe() throws -> [Int32] {
    var ends: [Int32] = [0, 0]
    // A child that another test starts at this moment must not get them: it would keep the answers from ending.
    guard linux_pipe(&ends) == 0 else { throw Failure(description: "no pipe: \(Errno.last)") }
    return ends
  }

  private static func spawn(_ program: String, _ arguments: [String], input: Int32, output: Int32) throws -> pid_t {
    guard let own = realpath("/proc/self/exe", nil) else { throw Failure(description: "no /proc") }
    defer { free(own) }
    let directory = String(cString: own).split(separator: "/").dropLast().joined(separator: "/")
    let path = "/\(directory)/\(program)"
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO)
    posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
    var pointers: [UnsafeMutablePointer<CChar>?] = ([path] + arguments).map { strdup($0) } + [nil]
    defer { for pointer in pointers { free(pointer) } }
    var process = pid_t()
    let result = posix_spawn(&process, path, &actions, nil, &pointers, environ)
    guard result == 0 else { throw Failure(description: "cannot start \(path): \(Errno(rawValue: result))") }
    return process
  }
}
