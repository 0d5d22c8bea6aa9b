import ArgumentParser
import Control
import Service
import SystemIO

/// `tine unmount`
struct Unmount: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Unmount forks and snapshots.",
    discussion: """
      A name stands for where that fork or snapshot is mounted; a directory for what is mounted there or below it.
      """,
    aliases: ["umount"])

  @Argument(help: "Names of forks and snapshots, or directories.", completion: .directory)
  var targets: [String] = []

  @Flag(help: "Unmount everything of this store.")
  var all = false

  @Flag(help: "Take the mount away even from processes that still use it.")
  var lazy = false

  @OptionGroup var store: StoreOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    if targets.isEmpty != all { throw ValidationError("Name what to unmount, or say --all.") }
  }

  func run() throws {
    let directory = try store.directory()
    guard let engine = try Owner.daemon(of: directory) else {
      let clearing = MountRecord.clearAll(of: directory)
      if let damage = clearing.damage { Console.note(damage) }
      try report(clearing.directories)
      if let failure = clearing.failures.first { throw failure }
      return
    }
    let mounts = try engine.mounts()
    let chosen = all ? mounts : try targets.flatMap { try Self.choose($0, from: mounts) }
    var unmounted: [BytePath] = []
    do throws(Failure) {
      for mount in chosen where !unmounted.contains(mount.directory) {
        try engine.unmount(UnmountRequest(directory: mount.directory, lazy: lazy))
        unmounted.append(mount.directory)
      }
    } catch {
      if !unmounted.isEmpty { try report(unmounted) }
      throw error
    }
    try report(unmounted)
  }

  private func report(_ directories: [BytePath]) throws {
    if output.json {
      try Console.print(json: directories.map(UnmountedDirectory.init))
    } else if directories.isEmpty {
      Console.note("nothing is mounted")
    } else {
      for directory in directories { try Console.print("unmounted " + directory.quoted) }
    }
  }

  /// The mounts that a name or a directory stands for.
  private static func choose(_ target: String, from mounts: [Mount]) throws(Failure) -> [Mount] {
    let path = BytePath(target.carriedBytes).resolved
    let inside = path.bytes + [UInt8(ascii: "/")]
    let chosen = mounts.filter { mount in
      mount.name == target
        || (mount.directory == path || mount.directory.bytes.starts(with: inside)) && isSeen(mount)
    }
    if chosen.isEmpty {
      throw Failure(
        .noSuchName, "\(target.quoted) is not mounted", hint: "'tine list' shows what is mounted, and where")
    }
    return chosen
  }

  /// Whether this process finds the mount at its directory: the daemon may be in another mount namespace.
  private static func isSeen(_ mount: Mount) -> Bool {
    guard let device = mount.device else { return true }
    do throws(Errno) {
      return try FileIdentity(of: FileDescriptor(naming: mount.directory.text)).device == device
    } catch {
      // A dead mount answers nobody.
      return error == .notConnected
    }
  }
}

/// A directory at which nothing is mounted any more, as 'tine unmount --json' writes it.
private struct UnmountedDirectory: Encodable {
  private enum CodingKeys: String, CodingKey { case name, nameBytes }

  let directory: BytePath

  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(directory, forKey: .name, bytesKey: .nameBytes)
  }
}
