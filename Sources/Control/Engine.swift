/// Carries out requests on one store: in this process, or by asking the daemon that owns the store.
///
/// Every method blocks until it is done. Those that may take long report progress and stop when the handler says so.
public protocol Engine: Sendable {
  func version() throws(Failure) -> VersionReport

  func heads() throws(Failure) -> [Head]
  func head(_ reference: String) throws(Failure) -> HeadReport
  func fork(_ request: ForkRequest) throws(Failure) -> Head
  func snapshot(_ request: SnapshotRequest) throws(Failure) -> Head
  func drop(_ reference: String) throws(Failure)

  /// Gives the changes to `body`, one at a time as they are found, until it returns false. Stops with `canceled` as soon as
  /// `isWanted` says no, also between two changes.
  func diff(
    _ request: DiffRequest, while isWanted: () -> Bool, _ body: (Change) throws(Failure) -> Bool
  ) throws(Failure)
  /// Stops with `canceled` as soon as `isWanted` says no.
  func log(_ request: LogRequest, while isWanted: () -> Bool) throws(Failure) -> [LogEntry]

  func importDirectory(_ request: ImportRequest, progress: @escaping ProgressHandler) throws(Failure) -> TransferReport
  func exportDirectory(_ request: ExportRequest, progress: @escaping ProgressHandler) throws(Failure) -> TransferReport
  func collectGarbage(progress: ProgressHandler) throws(Failure) -> CollectionReport
  func check(progress: ProgressHandler) throws(Failure) -> CheckReport
}

extension Engine {
  public func log(_ request: LogRequest) throws(Failure) -> [LogEntry] { try log(request) { true } }
  public func diff(_ request: DiffRequest, _ body: (Change) throws(Failure) -> Bool) throws(Failure) {
    try diff(request, while: { true }, body)
  }
  /// All changes at once.
  public func diff(_ request: DiffRequest) throws(Failure) -> [Change] {
    var changes: [Change] = []
    try diff(request) { change in
      changes.append(change)
      return true
    }
    return changes
  }
}

/// An engine that can also mount: only a daemon, which outlives the command that asked for it.
public protocol MountingEngine: Engine {
  func mounts() throws(Failure) -> [Mount]
  func mount(_ request: MountRequest) throws(Failure) -> Mount
  func unmount(_ request: UnmountRequest) throws(Failure)

  /// Has a worker of another program take the place of the present one, which ends; so the answer may not come. Whoever uses a
  /// mount sees a pause.
  func upgrade(_ request: UpgradeRequest) throws(Failure)

  /// Unmounts everything, makes everything durable and ends the daemon; returns when the store is free.
  func shutDown(_ request: ShutdownRequest) throws(Failure)
}
