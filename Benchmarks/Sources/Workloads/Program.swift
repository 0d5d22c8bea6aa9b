public import Glibc
import Synchronization
import SystemIO

/// A program that is run and waited for, with what it used.
public struct Program: Sendable {
  public let arguments: [String]
  /// Variables that it gets besides those of this process.
  public var environment: [String: String] = [:]

  public struct Outcome: Sendable {
    public let status: Int32
    /// From before it was started until it was waited for.
    public let microseconds: Double
    /// The most memory that it had at once.
    public let peakBytes: UInt64
    public let output: String

    public var succeeded: Bool { status == 0 }
  }

  public struct Failure: Error, CustomStringConvertible {
    public let description: String

    public init(_ description: String) { self.description = description }
  }

  public init(_ arguments: String..., environment: [String: String] = [:]) {
    self.init(arguments, environment: environment)
  }

  public init(_ arguments: [String], environment: [String: String] = [:]) {
    self.arguments = arguments
    self.environment = environment
  }

  /// Whether a program of this name is installed.
  public static func exists(_ name: String) -> Bool {
    if name.contains("/") { return access(name, X_OK) == 0 }
    let path = getenv("PATH").map { String(cString: $0) } ?? "/usr/bin:/bin"
    return (path.split(separator: ":").map(String.init) + ["/usr/sbin", "/sbin"]).contains {
      access("\($0)/\(name)", X_OK) == 0
    }
  }

  /// Starts the program; its output goes nowhere.
  public func start() throws -> pid_t { try start(output: nil) }

  private func start(output: Int32?) throws -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    if let output {
      posix_spawn_file_actions_adddup2(&actions, output, 1)
      posix_spawn_file_actions_adddup2(&actions, output, 2)
    } else {
      posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
      posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
    }
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    // This process holds its signals back for one thread; programs must not inherit that.
    var none = sigset_t()
    sigemptyset(&none)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
    let words = arguments.map { strdup($0) } + [nil]
    let variables = environment.map { strdup("\($0.key)=\($0.value)") } + inheritedVariables + [nil]
    defer { for pointer in words + variables { free(pointer) } }
    var process = pid_t()
    let result = posix_spawnp(&process, arguments[0], &actions, &attributes, words, variables)
    guard result == 0 else { throw Failure("\(arguments[0]) cannot be started: \(Errno(rawValue: result))") }
    Self.running.withLock { _ = $0.insert(process) }
    return process
  }

  private static let running = Mutex<Set<pid_t>>([])

  /// Asks every program that was started and not waited for to end.
  public static func endAll() {
    running.withLock { for process in $0 { kill(process, SIGTERM) } }
  }

  private var inheritedVariables: [UnsafeMutablePointer<CChar>?] {
    var variables: [UnsafeMutablePointer<CChar>?] = []
    var next = environ
    while let entry = next.pointee {
      let name = String(cString: entry).prefix { $0 != "=" }
      if environment[String(name)] == nil { variables.append(strdup(entry)) }
      next += 1
    }
    return variables
  }

  /// Runs the program to its end and keeps what it said.
  @discardableResult
  public func run() throws -> Outcome {
    var ends: [Int32] = [0, 0]
    guard pipe(&ends) == 0 else { throw Errno.last }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    let start = nanoseconds()
    let process: pid_t
    do { process = try self.start(output: ends[1]) } catch {
      close(ends[0])
      close(ends[1])
      throw error
    }
    close(ends[1])
    defer { close(ends[0]) }
    var output: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = read(ends[0], &chunk, chunk.count)
      if count < 0, errno == EINTR { continue }
      if count <= 0 { break }
      output += chunk[..<count]
    }
    return try Self.wait(for: process, since: start, output: String(decoding: output, as: UTF8.self))
  }

  /// Runs the program, and throws what it said where it failed.
  @discardableResult
  public func runSuccessfully() throws -> Outcome {
    let outcome = try run()
    guard outcome.succeeded else {
      throw Failure("\(arguments.joined(separator: " ")): status \(outcome.status): \(outcome.output)")
    }
    return outcome
  }

  /// Runs the program with its output thrown away, and gives the time from start to end: what a shell would wait for.
  public func time() throws -> Double {
    let start = nanoseconds()
    let outcome = try Self.wait(for: try self.start(output: nil), since: start, output: "")
    guard outcome.succeeded else {
      throw Failure("\(arguments.joined(separator: " ")): status \(outcome.status)")
    }
    return outcome.microseconds
  }

  public static func wait(for process: pid_t, since start: UInt64, output: String = "") throws -> Outcome {
    var status: Int32 = 0
    var usage = rusage()
    while wait4(process, &status, 0, &usage) < 0 {
      guard errno == EINTR else { throw Errno.last }
    }
    running.withLock { _ = $0.remove(process) }
    let code = status & 0x7F == 0 ? (status >> 8) & 0xFF : 128 + (status & 0x7F)
    return Outcome(
      status: code, microseconds: Double(nanoseconds() - start) / 1000, peakBytes: UInt64(usage.ru_maxrss) * 1024,
      output: output)
  }
}
