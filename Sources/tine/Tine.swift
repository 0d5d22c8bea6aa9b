import ArgumentParser
import CLinux
import Control
import Glibc
import Processes

/// The command that people type. It prints; everything else is done by the modules below it, or by the daemon.
@main
struct Tine: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tine",
    abstract: "Fork, mount and compare the data directories of servers, copy-on-write.",
    discussion: """
      A store holds forks (writable) and snapshots (fixed), such as prod and prod@before-migration. It is found by \
      --store, then TINE_STORE, then in the user's data directory.
      """,
    groupedSubcommands: [
      CommandGroup(name: "Stores", subcommands: [Init.self, Check.self, GC.self, Upgrade.self, Stop.self]),
      CommandGroup(
        name: "Forks and snapshots",
        subcommands: [Fork.self, Snapshot.self, List.self, Show.self, Diff.self, Log.self, Drop.self]),
      CommandGroup(
        name: "Data in and out", subcommands: [Import.self, Export.self, MountCommand.self, Unmount.self]),
      CommandGroup(name: "Experiments", subcommands: [Run.self, Sample.self, Demo.self]),
      CommandGroup(name: "About", subcommands: [Version.self]),
    ])

  static func main() {
    Reaper.serveIfAsked()
    // No file of a store may get the number of an output that is closed.
    _ = linux_occupy_standard_descriptors()
    // A reader that went away is seen as an error of the write, not as a signal.
    signal(SIGPIPE, SIG_IGN)
    do {
      var command = try parseQuickly(Arguments.current) ?? parseAsRoot(Arguments.current)
      try command.run()
    } catch let failure as Failure {
      Console.report(failure)
      Glibc.exit(failure.exitCode)
    } catch {
      let code = exitCode(for: error)
      guard code == .validationFailure else { exit(withError: error) }
      Console.report(usage: fullMessage(for: error))
      Glibc.exit(code.rawValue)
    }
  }

  /// Parses what names a command plainly without looking at all the others, which saves a third of the time to start.
  /// What it cannot parse is left to the parser of the whole, which says what is wrong.
  private static func parseQuickly(_ arguments: [String]) -> (any ParsableCommand)? {
    guard let name = arguments.first, let command = plainNames[name] else { return nil }
    return try? command.parse(Array(arguments.dropFirst()))
  }

  private static let plainNames: [String: any ParsableCommand.Type] = [
    "version": Version.self, "fork": Fork.self, "snapshot": Snapshot.self, "list": List.self, "diff": Diff.self,
    "drop": Drop.self, "mount": MountCommand.self, "unmount": Unmount.self, "show": Show.self, "run": Run.self,
  ]
}
