import Control
import Glibc
import Processes
import SystemIO

/// A fork that is mounted at a private directory while commands run in it, and at the latest until this process ends.
struct Workspace: Sendable {
  let engine: RemoteEngine
  /// The fork's name.
  let name: String
  let directory: BytePath
  /// Where the commands find it: its own directory, or the path that `--at` names.
  let shownAt: BytePath?
  /// Where the store keeps such directories; commands that see the fork elsewhere do not see them.
  private let place: BytePath

  /// Mounts a fork at a directory inside the store, which only its owner can enter.
  init(mounting name: String, of store: String, engine: RemoteEngine, shownAt: BytePath?) throws(Failure) {
    self.engine = engine
    self.name = name
    self.shownAt = shownAt
    place = BytePath("\(store)/mounts")
    directory = BytePath("\(place.text)/\(name)")
    _ = try engine.mount(
      MountRequest(reference: name, directory: directory, makesDirectory: true, session: try engine.session().token))
  }

  /// A command that runs in this view of the fork.
  func command(_ arguments: [[UInt8]], variables: [(name: String, value: String)]) -> Command {
    var command = Command(
      arguments, environment: Environment.with(variables + [("TINE_FORK", name), ("PWD", (shownAt ?? directory).text)]))
    command.directory = (shownAt ?? directory).bytes
    command.view = shownAt.map { Command.View(source: directory.bytes, target: $0.bytes, hidden: place.bytes) }
    return command
  }

  /// Unmounts it. What ran in it has ended.
  func close() throws(Failure) {
    try engine.unmount(UnmountRequest(directory: directory, lazy: true))
  }
}

/// The state that attempts start from: a snapshot, taken for them if the reference is a fork. It ends with this process at the latest.
struct Origin: Sendable {
  /// The snapshot.
  let reference: String
  private let isOwn: Bool
  private let engine: RemoteEngine

  init(_ reference: String, for name: String, engine: RemoteEngine) throws(Failure) {
    self.engine = engine
    isOwn = !reference.contains("@")
    guard isOwn else {
      self.reference = reference
      return
    }
    let request = SnapshotRequest(fork: reference, name: name, session: try engine.session().token)
    self.reference = try engine.snapshot(request).name
  }

  /// Makes a fork of it that ends with this process, unless it is kept.
  func fork(_ name: String) throws(Failure) {
    _ = try engine.fork(ForkRequest(source: reference, name: name, session: try engine.session().token))
  }

  /// Drops the snapshot, where it was taken for the attempts.
  func close() throws(Failure) {
    if isOwn { try engine.drop(reference) }
  }
}

/// A name that no fork has, such as `run-4f09a1`.
func freshName(_ prefix: String) -> String {
  let digits = String(UInt32.random(in: 0..<(1 << 24)), radix: 16)
  return "\(prefix)-\(String(repeating: "0", count: 6 - digits.count))\(digits)"
}

extension ReapedCommand {
  /// Ends what still runs of the command, and reports what cannot be ended.
  func endEverything() throws(Failure) {
    let survivors = finish()
    if survivors.isEmpty { return }
    let list = survivors.map { "\($0.process) (\($0.name))" }.joined(separator: ", ")
    throw Failure(
      .failed, "the command has left processes that could not be ended: \(list)",
      hint: "they belong to another user, or wait in the kernel: end them as root")
  }
}

extension Failure {
  /// Why a command did not start, and the exit code that says so.
  init(_ error: SpawnError, starting command: [UInt8]) {
    let program = Quoting.quoted(command)
    switch error.step {
    case .program:
      let isMissing = error.errno == .noSuchFile && Program.meansFileOfCaller(command)
      self.init(
        .failed, "cannot run \(program): \(error.errno)",
        hint: isMissing
          ? "a relative path is looked up where tine was called; 'sh -c PATH' runs a program of the fork" : nil)
    case .directory: self.init(.failed, "cannot enter the fork: \(error.errno)")
    case .namespace:
      self.init(
        .notSupported, "cannot make a private mount namespace: \(error.errno)",
        hint: "without --at the command runs in the fork's own directory, and needs none")
    case .bind:
      self.init(
        .failed, "cannot show the fork at the path of --at: \(error.errno)", hint: "the path must be a directory")
    case .user, .fork: self.init(.failed, "cannot start \(program): \(error.errno)")
    }
  }
}
