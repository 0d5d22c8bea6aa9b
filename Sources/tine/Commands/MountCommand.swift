import ArgumentParser
import Control
import Glibc
import SystemIO

/// `tine mount`
struct MountCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "mount", abstract: "Mount a fork or snapshot, or the whole store.",
    usage: "tine mount [<reference>] <directory> [--writeback] [--store <directory>] [--json]",
    discussion: """
      Without a reference every fork is mounted, each at DIRECTORY/NAME. A directory that does not exist is made, and \
      removed when it is unmounted. Snapshots are mounted read-only, and so are the forks of a store that cannot be \
      written to. The store's daemon is started where it does not run; it ends by itself when nothing is mounted any more.
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
    let directory = BytePath(arguments[arguments.count - 1].carriedBytes).absolute
    let engine = try DaemonLauncher.engine(for: try store.directory())
    if arguments.count == 2 {
      let request = MountRequest(
        reference: arguments[0], directory: directory, writeback: writeback, makesDirectory: try isMissing(directory))
      let mount = try engine.mount(request)
      try report([mount])
    } else {
      try report(try WholeStoreMount(engine: engine, directory: directory).mount(writeback: writeback))
    }
  }

  /// Whether a directory is to be made: only the last part of its path.
  private func isMissing(_ directory: BytePath) throws(Failure) -> Bool {
    if access(directory.bytes.cString, F_OK) == 0 || Errno.last != .noSuchFile { return false }
    let parent = Array(directory.bytes.prefix(upTo: directory.bytes.lastIndex(of: UInt8(ascii: "/")) ?? 0))
    if parent.isEmpty || access(parent.cString, F_OK) == 0 { return true }
    throw Failure(.conflict, "\(BytePath(parent).quoted): \(Errno.last)", hint: "make the directory first")
  }

  private func report(_ mounts: [Mount]) throws {
    if output.json {
      try Console.print(json: mounts)
    } else {
      for mount in mounts {
        try Console.print("mounted \(mount.name) at \(mount.directory.quoted)" + (mount.readOnly ? " (read-only)" : ""))
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
