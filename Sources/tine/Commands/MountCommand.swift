import ArgumentParser
import Control

/// `tine mount`
struct MountCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "mount", abstract: "Mount a fork or snapshot, or the whole store.",
    usage: "tine mount [<reference>] <directory> [--writeback] [--store <directory>] [--json]",
    discussion: """
      Without a reference every fork is mounted, each at DIRECTORY/NAME. Snapshots are mounted read-only. The store's \
      daemon is started where it does not run; it ends by itself when nothing is mounted any more.
      """)

  @Argument(help: ArgumentHelp("The fork or snapshot, and an empty directory.", valueName: "reference directory"))
  var arguments: [String]

  @Flag(help: "Let the kernel hold writes back: faster for bulk work, weaker for forks (see docs/consistency.md).")
  var writeback = false

  @OptionGroup var store: StoreOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    if !(1...2).contains(arguments.count) { throw ValidationError("Give a directory, or a reference and a directory.") }
    if arguments[arguments.count - 1].isEmpty { throw ValidationError("The directory has no name.") }
  }

  func run() throws {
    let directory = BytePath(Arguments.bytes(of: arguments[arguments.count - 1])).absolute
    let engine = try DaemonLauncher.engine(for: try store.directory())
    if arguments.count == 2 {
      let mount = try engine.mount(
        MountRequest(reference: arguments[0], directory: directory, writeback: writeback))
      try report([mount])
    } else {
      try report(try WholeStoreMount(engine: engine, directory: directory).mount(writeback: writeback))
    }
  }

  private func report(_ mounts: [Mount]) throws {
    if output.json {
      try Console.print(json: mounts)
    } else {
      for mount in mounts {
        Console.print("mounted \(mount.name) at \(mount.directory.text)" + (mount.readOnly ? " (read-only)" : ""))
      }
    }
  }
}

/// Every fork of a store at a directory of its name.
struct WholeStoreMount {
  let engine: RemoteEngine
  let directory: BytePath

  /// Mounts every fork that is not mounted elsewhere. Where one fails, none stays.
  func mount(writeback: Bool) throws -> [Mount] {
    var mounts: [Mount] = []
    do {
      for head in try engine.heads() where head.kind == .fork && head.mount == nil {
        let place = BytePath(directory.bytes + Array("/\(head.name)".utf8))
        let request = MountRequest(
          reference: head.name, directory: place, writeback: writeback, makesDirectory: true)
        mounts.append(try engine.mount(request))
      }
    } catch {
      for mount in mounts { try engine.unmount(UnmountRequest(directory: mount.directory)) }
      throw error
    }
    return mounts
  }
}
