import ArgumentParser
import CLinux
import Control
import Glibc
import Processes
import SystemIO

/// The command that people type. It prints; everything else is done by the modules below it, or by the daemon.
@main
struct Tine: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tine",
    abstract: "Fork, mount and compare the data directories of servers, copy-on-write.",
    discussion: """
      A store holds forks (writable) and snapshots (fixed), such as prod and prod@before-migration. It is found by \
      --store, before the command or after it, then TINE_STORE, then in the user's data directory.
      """,
    version: "tine \(VersionReport.current.version)",
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
    // Swift itself takes the command line from there.
    guard access("/proc/self/cmdline", R_OK) == 0 else {
      Console.report(Failure(.failed, "there is no /proc", hint: "mount it: 'mount -t proc proc /proc'"))
      Glibc.exit(EXIT_FAILURE)
    }
    // A reader that went away is seen as an error of the write, not as a signal.
    signal(SIGPIPE, SIG_IGN)
    do throws(Failure) {
      try occupyStandardDescriptors()
      let code = try answer(CommandLineWords(Arguments.current, commands: commandNames))
      try Console.endOutput()
      Glibc.exit(code)
    } catch {
      if error == .readerIsGone { Glibc.exit(128 + SIGPIPE) }
      Console.report(error)
      Glibc.exit(error.exitCode)
    }
  }

  /// Carries out a command line, and returns the exit code.
  private static func answer(_ words: CommandLineWords) throws(Failure) -> Int32 {
    if let unknown = words.unknownCommand { throw unknownCommand(unknown) }
    if words.lacksCommand {
      throw Failure(.badRequest, "there is no command after --store", hint: "'tine help' lists the commands")
    }
    do {
      var command = try parseQuickly(words.arguments) ?? parseAsRoot(words.arguments)
      try command.run()
      return 0
    } catch let failure as Failure {
      throw failure
    } catch {
      let code = exitCode(for: error)
      if code == .validationFailure {
        Console.report(usage: fullMessage(for: shownError(words) ?? error))
      } else {
        // Help, a version, or a script for a shell.
        let message = fullMessage(for: error)
        if !message.isEmpty { try Console.print(message) }
      }
      return code.rawValue
    }
  }

  /// The error of a command line, with its words as people read them: a word may hold whatever a terminal would obey.
  private static func shownError(_ words: CommandLineWords) -> (any Error)? {
    let shown = words.arguments.map { Quoting.harmless($0) }
    if shown == words.arguments { return nil }
    do {
      _ = try parseAsRoot(shown)
      return nil
    } catch {
      return error
    }
  }

  private static func unknownCommand(_ word: String) -> Failure {
    let hint = Suggestions.command(for: word, among: commandNames).map { "did you mean 'tine \($0)'?" }
    return Failure(.badRequest, "there is no command \(word.named)", hint: hint ?? "'tine help' lists the commands")
  }

  /// No file of a store may get the number of an output that is closed.
  private static func occupyStandardDescriptors() throws(Failure) {
    guard linux_occupy_standard_descriptors() == 0 else {
      throw Failure(.failed, "cannot open /dev/null: \(Errno.last)")
    }
  }

  /// The names of all commands, and their aliases.
  private static var commandNames: [String] {
    let commands = configuration.groupedSubcommands.flatMap(\.subcommands)
    return commands.flatMap { command in
      [command.configuration.commandName ?? "\(command)".lowercased()] + command.configuration.aliases
    } + ["help"]
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
