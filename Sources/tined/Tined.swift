public import ArgumentParser
import CLinux
import Control
import Glibc
public import Logging
import SystemIO

/// The daemon of one store: serves the API on the store's socket, and the mounts. `tine mount` starts it.
@main
struct Tined: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tined", abstract: "The daemon of a Tine store. 'tine mount' starts it where it is needed.",
    version: VersionReport.current.version)

  @Option(help: "The store's directory.")
  var store: String

  @Flag(help: "Only read the store: everything is mounted read-only. Sockets and log are in a runtime directory.")
  var readOnly = false

  @Option(
    help: ArgumentHelp(
      "End after this many seconds in which nothing was mounted and nothing asked for.", valueName: "seconds"))
  var linger: Int?

  @Option(
    help: ArgumentHelp("A descriptor to report to when the daemon serves, or why it cannot.", visibility: .hidden))
  var readiness: Int32?

  @Flag(help: ArgumentHelp("Serve as a supervisor's worker, which is reached at descriptor 3.", visibility: .hidden))
  var worker = false

  @Flag(help: ArgumentHelp("Say in JSON which program this is, and end.", visibility: .hidden))
  var handshake = false

  @Option(help: "How much to log: trace, debug, info, notice, warning, error or critical.")
  var logLevel: Logger.Level = .info

  func run() throws {
    guard linux_occupy_standard_descriptors() == 0 else { throw ExitCode.failure }
    if handshake { return try sayHandshake() }
    // This closes descriptors, and so comes before any is opened.
    let surroundings = worker ? nil : Result { () throws(Failure) in try Surroundings(leavingWith: readiness) }
    let level = logLevel
    let file = LogFile(in: logDirectory, isWorker: worker)
    LoggingSystem.bootstrap { _ in LogLines(file: file, logLevel: level) }
    let log = Logger(label: "tined")
    do throws(Failure) {
      if worker { try Daemon(store: store, readOnly: readOnly, linger: linger, log: log).run() }
      try supervise(in: surroundings?.get(), log)
    } catch {
      log.critical("\(error.message)")
      // Before there is a worker, nobody else tells the one who waits.
      if let readiness, !worker { Readiness.send(error, to: readiness) }
      throw ExitCode.failure
    }
  }

  /// Where the log is; nil if that cannot be opened, which the worker says when it needs it.
  private var logDirectory: FileDescriptor? {
    guard readOnly else { return try? FileDescriptor(opening: store, flags: O_RDONLY | O_DIRECTORY) }
    return try? RuntimeDirectory(of: store).make()
  }

  private func sayHandshake() throws {
    let answer = Array(try JSON.encode(Handshake.current))
    guard write(STDOUT_FILENO, answer, answer.count) == answer.count else { throw ExitCode.failure }
  }

  private func supervise(in surroundings: Surroundings?, _ log: Logger) throws(Failure) -> Never {
    for remains in surroundings?.remains ?? [] { log.warning("\(remains)") }
    var supervisor = try Supervisor(arguments: workerArguments, readiness: readiness, log: log)
    supervisor.run()
  }

  private var workerArguments: [String] {
    ["--store", store, "--worker", "--log-level", logLevel.rawValue] + (readOnly ? ["--read-only"] : [])
      + (linger.map { ["--linger", String($0)] } ?? [])
  }
}

extension Logger.Level: @retroactive ExpressibleByArgument {}
