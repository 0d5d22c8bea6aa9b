import Glibc
import SystemIO
import Testing

/// A `MountTestServer` with a temporary mount point of its own. Both are gone when this is.
final class ServerProcess {
  let path: String
  private(set) var flags: UInt64 = 0
  private let process: pid_t
  private let commands: UnsafeMutablePointer<FILE>
  private let answers: UnsafeMutablePointer<FILE>

  /// Why tests that mount are left out here; nil where they run.
  static var obstacle: String? {
    if geteuid() != 0 { return "tests that mount need root" }
    return access("/dev/fuse", R_OK | W_OK) == 0 ? nil : "tests that mount need /dev/fuse"
  }

  /// - Parameter path: a directory to mount on; a new one unless given.
  init(_ arguments: [String] = [], at path: String? = nil) throws {
    self.path = try path ?? Self.makeDirectory()
    let toServer = try Self.makePipe()
    let fromServer = try Self.makePipe()
    process = try Self.spawn([self.path] + arguments, input: toServer[0], output: fromServer[1])
    close(toServer[0])
    close(fromServer[1])
    commands = fdopen(toServer[1], "w")
    answers = fdopen(fromServer[0], "r")
    let greeting = try receive().split(separator: " ")
    try #require(greeting.first == "ready", "\(greeting)")
    flags = try #require(UInt64(greeting[1]))
  }

  deinit {
    fclose(commands)
    fclose(answers)
    stop()
    umount2(path, Int32(MNT_DETACH))
    rmdir(path)
  }

  /// Sends a command and returns the server's next line.
  @discardableResult
  func ask(_ command: String) throws -> String {
    fputs(command + "\n", commands)
    fflush(commands)
    return try receive()
  }

  /// The server's next line.
  func receive() throws -> String {
    var line: UnsafeMutablePointer<CChar>?
    var capacity = 0
    defer { free(line) }
    let count = getline(&line, &capacity, answers)
    let text = try #require(count > 0 ? line : nil, "the server has gone")
    return String(String(cString: text).dropLast())
  }

  /// Kills the server, which leaves its mount behind.
  func stop() {
    kill(process, SIGKILL)
    var status: Int32 = 0
    waitpid(process, &status, 0)
  }

  static func makeDirectory() throws -> String {
    var template = Array("/tmp/tine-fuse-XXXXXX".utf8CString)
    let path = try #require(mkdtemp(&template))
    return String(cString: path)
  }

  private static func makePipe() throws -> [Int32] {
    var ends: [Int32] = [0, 0]
    try #require(pipe(&ends) == 0)
    for end in ends { try #require(fcntl(end, F_SETFD, FD_CLOEXEC) == 0) }
    return ends
  }

  /// The server lies beside the test bundle.
  private static func spawn(_ arguments: [String], input: Int32, output: Int32) throws -> pid_t {
    let own = try #require(realpath("/proc/self/exe", nil))
    defer { free(own) }
    let directory = String(cString: own).split(separator: "/").dropLast().joined(separator: "/")
    let server = "/" + directory + "/MountTestServer"
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO)
    posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
    var pointers: [UnsafeMutablePointer<CChar>?] = ([server] + arguments).map { strdup($0) } + [nil]
    defer { for pointer in pointers { free(pointer) } }
    var process = pid_t()
    let result = posix_spawn(&process, server, &actions, nil, &pointers, environ)
    try #require(result == 0, "cannot start \(server)")
    return process
  }
}

/// The suites whose tests mount.
extension Trait where Self == ConditionTrait {
  static var mounts: Self {
    .disabled(if: ServerProcess.obstacle != nil, "\(ServerProcess.obstacle ?? "")")
  }
}
