import Control
import FileSystem
import Glibc
import Logging
import Service
import SystemIO

/// The engine of the daemon: the store's own, with mounts.
///
/// Whatever captures the state of a mounted fork first makes the kernel hand over what was written to it.
final class DaemonEngine: MountingEngine {
  private let local: LocalEngine
  private let table: MountTable
  private let activity: Activity
  private let log: Logger
  private let sessions: SessionTable
  private let sockets: [String]
  private let supervisor: SupervisorLink

  /// - Parameter sockets: what is removed when the daemon ends.
  init(
    _ local: LocalEngine, _ table: MountTable, _ sessions: SessionTable, sockets: [String], activity: Activity,
    supervisor: SupervisorLink, log: Logger
  ) {
    self.local = local
    self.table = table
    self.sessions = sessions
    self.sockets = sockets
    self.activity = activity
    self.supervisor = supervisor
    self.log = log
  }

  /// Whether anybody may be using a mount, be it one that is off its directory, or something that was made for a client.
  var isInUse: Bool { !table.isEmpty || sessions.holdsLeases }

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
    try sessions.check(request.session)
    if let source = request.source { try table.barrier(source) }
    return try leased(local.fork(request), to: request.session)
  }

  func snapshot(_ request: SnapshotRequest) throws(Failure) -> Head {
    try sessions.check(request.session)
    try table.barrier(request.fork)
    return try leased(local.snapshot(request), to: request.session)
  }

  private func leased(_ head: Head, to session: String?) throws(Failure) -> Head {
    if let session { try sessions.lease(.head(LeasedHead(head)), to: session) }
    return head
  }

  func drop(_ reference: String) throws(Failure) {
    try local.checkWrites()
    if let mount = table.all.first(where: { $0.name == reference }) {
      throw Failure(
        .conflict, "\(reference) is mounted at \(mount.directory.quoted)", hint: "'tine unmount \(reference)' first")
    }
    if table.isMounting(reference) {
      throw Failure(.conflict, "\(reference) is just being mounted", hint: "'tine unmount \(reference)' first")
    }
    try local.drop(reference)
    sessions.forget { if case .head(let head) = $0 { head.name == reference } else { false } }
  }

  // MARK: History

  func diff(
    _ request: DiffRequest, while isWanted: () -> Bool, _ body: (Change) throws(Failure) -> Bool
  ) throws(Failure) {
    if let old = request.old { try table.barrier(old) }
    try table.barrier(request.new)
    try local.diff(request, while: isWanted, body)
  }

  func log(_ request: LogRequest, while isWanted: () -> Bool) throws(Failure) -> [LogEntry] {
    try local.log(request, while: isWanted)
  }

  // MARK: Long operations

  func importDirectory(_ request: ImportRequest, progress: @escaping ProgressHandler) throws(Failure) -> TransferReport
  {
    if let passed = request.passed {
      return try local.importDirectory(request, from: sessions.take(passed), progress: progress)
    }
    try checkIsAbsolute(request.directory)
    return try local.importDirectory(request, progress: progress)
  }

  func exportDirectory(_ request: ExportRequest, progress: @escaping ProgressHandler) throws(Failure) -> TransferReport
  {
    if let passed = request.passed {
      let target = try sessions.take(passed)
      try table.barrier(request.reference)
      return try local.exportDirectory(request, filling: target, progress: progress)
    }
    if let passed = request.passedParent {
      let parent = try sessions.take(passed)
      let (_, name) = HostPath.split(request.directory.bytes)
      try table.barrier(request.reference)
      return try local.exportDirectory(request, into: parent, as: name, progress: progress)
    }
    try checkIsAbsolute(request.directory)
    try table.barrier(request.reference)
    return try local.exportDirectory(request, progress: progress)
  }

  /// A relative path would begin at the daemon's working directory, which nobody means.
  private func checkIsAbsolute(_ path: BytePath) throws(Failure) {
    guard path.bytes.first == UInt8(ascii: "/") else {
      throw Failure(.badRequest, "the directory must be an absolute path")
    }
  }

  func collectGarbage(progress: ProgressHandler) throws(Failure) -> CollectionReport {
    try local.collectGarbage(progress: progress)
  }

  func check(progress: ProgressHandler) throws(Failure) -> CheckReport { try local.check(progress: progress) }

  // MARK: Mounts

  func mounts() throws(Failure) -> [Mount] { table.all }

  func mount(_ request: MountRequest) throws(Failure) -> Mount {
    try sessions.check(request.session)
    guard let passed = request.passed else {
      return try mountByPath(local.fileSystem(request.reference), request)
    }
    // What is passed is taken in any case: it must not wait for a request that never comes.
    let directory = try sessions.take(passed)
    return try mount(local.fileSystem(request.reference), request, on: directory)
  }

  /// Mounts where this process finds the directory: for a client that cannot pass it.
  private func mountByPath(_ fileSystem: FileSystem, _ request: MountRequest) throws(Failure) -> Mount {
    try checkIsAbsolute(request.directory)
    let directory = try MountDirectory(request)
    var request = request
    request.makesDirectory = directory.isNew
    do throws(Failure) {
      return try mount(fileSystem, request, on: directory.copy())
    } catch {
      directory.undo()
      throw error
    }
  }

  private func mount(
    _ fileSystem: FileSystem, _ request: MountRequest, on directory: consuming FileDescriptor
  ) throws(Failure) -> Mount {
    let (mount, number) = try table.add(fileSystem, request, on: directory)
    if let session = request.session, let number { try sessions.lease(.mount(number: number), to: session) }
    return mount
  }

  /// Ends what was made for a client that is gone, the last first; returns the heads that are still in use.
  func end(_ leases: [Lease]) -> [LeasedHead] {
    var left: [LeasedHead] = []
    for lease in leases {
      switch lease {
      case .mount(let number): table.end(number)
      case .head(let head):
        do throws(Failure) { try drop(head) } catch {
          left.append(head)
          log.error("\(head.name) was made for a client that is gone, and stays: \(error.message)")
        }
      }
    }
    return left
  }

  private func drop(_ leased: LeasedHead) throws(Failure) {
    let found: Head
    do throws(Failure) { found = try local.head(leased.name).head } catch {
      if error.kind == .noSuchName { return }
      throw error
    }
    if LeasedHead(found) == leased { try drop(leased.name) }
  }

  func unmount(_ request: UnmountRequest) throws(Failure) {
    try table.remove(request.directory, lazy: request.lazy)
    sessions.forget { if case .mount(let number) = $0 { !table.serves(number) } else { false } }
  }

  func upgrade(_ request: UpgradeRequest) throws(Failure) {
    if let passed = request.passed { try check(request.program, is: sessions.take(passed)) }
    guard table.allAreKept else {
      throw Failure(
        .notSupported, "the mounts of this daemon would end with it",
        hint: "'tine stop', and mount again with the new one")
    }
    try Handshake.verify(request.program, store: local.directory)
    // What is in the checkpoint need not be replayed while others wait.
    try local.takeCheckpoint()
    log.notice("handing over to \(request.program)")
    supervisor.tell(.replace(program: request.program))
  }

  /// Refuses a path that means another file to the client.
  private func check(_ path: String, is file: consuming FileDescriptor) throws(Failure) {
    do throws(Errno) {
      guard try FileIdentity(of: FileDescriptor(naming: path)) != FileIdentity(of: file) else { return }
    } catch {
      throw Failure(.failed, "cannot open \(path.quoted): \(error)")
    }
    throw Failure(
      .conflict, "\(path.quoted) is another file for the daemon, which is in another mount namespace",
      hint: "run the command where the daemon was started")
  }

  func shutDown(_ request: ShutdownRequest) throws(Failure) {
    let force = request.force ?? false
    if !force { try table.refuseIfUsed() }
    guard activity.beginEnding() else { return }
    defer { activity.ended() }
    log.notice("ending")
    supervisor.tell(.ending)
    // Who comes now finds no daemon, and waits for the store.
    for socket in sockets { unlink(socket) }
    var failure: Failure?
    // Who has begun to use a mount just now is too late.
    do throws(Failure) { try table.removeAll(force: true) } catch { failure = error }
    if !activity.awaitIdle(atMost: Self.patience) { log.warning("a request is cut off") }
    sessions.closeAll()
    // The store is closed even where a mount stays: what was acknowledged is in the ledger.
    try local.close()
    if let failure { throw failure }
    log.notice("the store is closed")
  }

  private static let patience = 10_000
}
