public import ArgumentParser
import Control
import Glibc
public import Logging

/// The daemon of one store: serves the API on the store's socket, and the mounts. `tine mount` starts it.
@main
struct Tined: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tined", abstract: "The daemon of a Tine store. 'tine mount' starts it where it is needed.",
    version: VersionReport.current.version)

  @Option(help: "The store's directory.")
  var store: String

  @Option(
    help: ArgumentHelp(
      "End after this many seconds in which nothing was mounted and nothing asked for.", valueName: "seconds"))
  var linger: Int?

  @Option(
    help: ArgumentHelp("A descriptor to report to when the daemon serves, or why it cannot.", visibility: .hidden))
  var readiness: Int32?

  @Flag(help: ArgumentHelp("Serve as a supervisor's worker, which is reached at descriptor 3.", visibility: .hidden))
  var worker = false

  @Option(help: "How much to log: trace, debug, info, notice, warning, error or critical.")
  var logLevel: Logger.Level = .info

  func run() throws {
    // Everything that the daemon makes belongs to its user alone.
    umask(0o077)
    let level = logLevel
    LoggingSystem.bootstrap { _ in
      var handler = LogFile()
      handler.logLevel = level
      return handler
    }
    let log = Logger(label: "tined")
    do throws(Failure) {
      if worker {
        try Daemon(store: store, linger: linger, log: log).run()
      } else {
        var supervisor = try Supervisor(arguments: workerArguments, readiness: readiness, log: log)
        supervisor.run()
      }
    } catch {
      log.critical("\(error.message)")
      throw ExitCode.failure
    }
  }

  private var workerArguments: [String] {
    ["--store", store, "--worker", "--log-level", logLevel.rawValue] + (linger.map { ["--linger", String($0)] } ?? [])
  }
}

extension Logger.Level: @retroactive ExpressibleByArgument {}
