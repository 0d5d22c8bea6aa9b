import ArgumentParser
import Control
import Glibc
import SystemIO

/// `tine upgrade`
struct Upgrade: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Have the daemon of this version take over from the one that runs.",
    discussion: """
      What is mounted stays mounted. Servers see a pause, and no error: their open files, locks and mappings go on. Where \
      the new daemon does not serve, the old one goes on.
      """)

  @OptionGroup var store: StoreOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let directory = try store.directory()
    guard let old = try Owner.daemon(of: directory) else {
      return try report(nil, mounts: 0)
    }
    let before = try old.version()
    let program = try DaemonLauncher.program()
    do throws(Failure) {
      try old.upgrade(UpgradeRequest(program: program))
    } catch {
      // The daemon ends before it has answered, or just after.
      if error.kind != .unreachable { throw error }
    }
    let (engine, after) = try successor(of: before, in: directory)
    guard after.program == program else {
      throw Failure(
        .failed, "\(program.quoted) did not serve, so the daemon of before goes on",
        hint: "see \(DaemonLauncher.log(of: directory).quoted)")
    }
    try report(after, mounts: engine.mounts().count)
  }

  /// Waits until another process serves: the new one, or the old program again after the supervisor has given the new one up.
  private func successor(
    of before: VersionReport, in directory: String
  ) throws(Failure) -> (RemoteEngine, VersionReport) {
    let deadline = ContinuousClock.now.advanced(by: .seconds(60))
    while ContinuousClock.now < deadline {
      do throws(Failure) {
        guard let engine = try Owner.daemon(of: directory) else { break }
        let version = try engine.version()
        if version.process != before.process { return (engine, version) }
      } catch {
        if ![.unreachable, .storeInUse].contains(error.kind) { throw error }
      }
      usleep(20_000)
    }
    throw Failure(.unreachable, "no daemon serves any more", hint: "see \(DaemonLauncher.log(of: directory).quoted)")
  }

  private func report(_ version: VersionReport?, mounts: Int) throws {
    if output.json {
      try Console.print(json: ["upgraded": version != nil])
    } else if let version {
      try Console.print(
        "the daemon is tined \(version.version.quoted) now, with \(mounts) \(mounts == 1 ? "mount" : "mounts")")
    } else {
      try Console.print("no daemon runs for this store")
    }
  }
}
