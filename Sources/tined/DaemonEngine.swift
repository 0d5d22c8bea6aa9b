import Control
import Glibc
import Logging
import Processes
import Service

/// The engine of the daemon: the store's own, with mounts.
///
/// Whatever captures the state of a mounted fork first makes the kernel hand over what was written to it.
final class DaemonEngine: MountingEngine {
  private let local: LocalEngine
  private let table: MountTable
  private let activity: Activity
  private let log: Logger
  private let socket: String
  private let supervisor: SupervisorLink

  init(
    _ local: LocalEngine, _ table: MountTable, socket: String, activity: Activity, supervisor: SupervisorLink,
    log: Logger
  ) {
    self.local = local
    self.table = table
    self.socket = socket
    self.activity = activity
    self.supervisor = supervisor
    self.log = log
  }

  /// Whether anybody may be using a mount, be it one that is off its directory.
  var hasMounts: Bool { !table.isEmpty }

  func version() throws(Failure) -> VersionReport {
    let version = try local.version()
    let program = try? Supervisor.ownProgram()
    return VersionReport(version: version.version, api: version.api, process: getpid(), program: program)
  }

  // MARK: Heads

  func heads() throws(Failure) -> [Head] {
    let mounts = Dictionary(table.all.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    return try local.heads().map { $0.mounted(mounts[$0.name]) }
  }

  func head(_ reference: String) throws(Failure) -> HeadReport {
    let report = try local.head(reference)
    let mount = table.all.first { $0.name == report.head.name }
    return HeadReport(
      head: report.head.mounted(mount), ancestors: report.ancestors, children: report.children, usage: report.usage)
  }

  func fork(_ request: ForkRequest) throws(Failure) -> Head {
    if let source = request.source { try table.barrier(source) }
    return try local.fork(request)
  }

  func snapshot(_ request: SnapshotRequest) throws(Failure) -> Head {
    try table.barrier(request.fork)
    return try local.snapshot(request)
  }

  func drop(_ reference: String) throws(Failure) {
    if let mount = table.all.first(where: { $0.name == reference }) {
      throw Failure(
        .conflict, "\(reference) is mounted at \(mount.directory.text)", hint: "'tine unmount \(reference)' first")
    }
    try local.drop(reference)
  }

  // MARK: History

  func diff(_ request: DiffRequest, _ body: (Change) throws(Failure) -> Bool) throws(Failure) {
    if let old = request.old { try table.barrier(old) }
    try table.barrier(request.new)
    try local.diff(request, body)
  }

  func log(_ request: LogRequest) throws(Failure) -> [LogEntry] { try local.log(request) }

  // MARK: Long operations

  func importDirectory(_ request: ImportRequest, progress: @escaping ProgressHandler) throws(Failure) -> TransferReport
  {
    try local.importDirectory(request, progress: progress)
  }

  func exportDirectory(_ request: ExportRequest, progress: @escaping ProgressHandler) throws(Failure) -> TransferReport
  {
    try table.barrier(request.reference)
    return try local.exportDirectory(request, progress: progress)
  }

  func collectGarbage(progress: ProgressHandler) throws(Failure) -> CollectionReport {
    try local.collectGarbage(progress: progress)
  }

  func check(progress: ProgressHandler) throws(Failure) -> CheckReport { try local.check(progress: progress) }

  // MARK: Mounts

  func mounts() throws(Failure) -> [Mount] { table.all }

  func mount(_ request: MountRequest) throws(Failure) -> Mount {
    try table.add(local.fileSystem(request.reference), request)
  }

  func unmount(_ request: UnmountRequest) throws(Failure) { try table.remove(request.directory, lazy: request.lazy) }

  func upgrade(_ request: UpgradeRequest) throws(Failure) {
    guard table.allAreKept else {
      throw Failure(
        .notSupported, "the mounts of this daemon would end with it",
        hint: "'tine stop', and mount again with the new one")
    }
    let trial = Command([request.program, "--version"], environment: [])
    guard let child = try? trial.start(), (child.wait(atMost: Int32(Self.patience)) ?? child.end()) == .exited(0) else {
      throw Failure(
        .failed, "\(request.program) does not run here", hint: "nothing was changed: the daemon goes on as it was")
    }
    // What is in the checkpoint need not be replayed while others wait.
    try local.takeCheckpoint()
    log.notice("handing over to \(request.program)")
    supervisor.tell(.replace(program: request.program))
  }

  func shutDown() throws(Failure) {
    guard activity.beginEnding() else { return }
    defer { activity.ended() }
    log.notice("ending")
    supervisor.tell(.ending)
    // Who comes now finds no daemon, and waits for the store.
    unlink(socket)
    var failure: Failure?
    do throws(Failure) { try table.removeAll() } catch { failure = error }
    if !activity.awaitIdle(atMost: Self.patience) { log.warning("a request is cut off") }
    // The store is closed even where a mount stays: what was acknowledged is in the ledger.
    try local.close()
    if let failure { throw failure }
    log.notice("the store is closed")
  }

  private static let patience = 10_000
}
