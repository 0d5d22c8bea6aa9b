import FoundationEssentials
import Glibc
import Synchronization
import SystemIO

/// Carries out requests by asking the daemon that owns the store.
public final class RemoteEngine: MountingEngine {
  private let client: Client
  /// The store's directory, held open: it may be moved while requests are under way.
  private let directory: FileDescriptor
  private var store: String { Self.path(of: directory) }
  private let opened = Mutex<ClientSession?>(nil)

  /// The engine of a store whose daemon runs; nil where none does, or where it is ending.
  ///
  /// The socket of a daemon that was killed may still take connections for a moment, so the daemon is asked for its
  /// version first.
  ///
  /// `interruption` is a descriptor that becomes readable when the person wants the present request to end; the
  /// request is then canceled at the daemon too. `onSilence` hears of a daemon that takes long to answer; one that answers nobody for half a minute is
  /// given up with the failure `silent`.
  public init?(
    store: String, interruption: Int32? = nil, onSilence: SilenceHandler? = nil
  ) throws(Failure) {
    let directory: FileDescriptor
    do throws(Errno) { directory = try FileDescriptor(opening: store, flags: O_RDONLY | O_DIRECTORY) } catch {
      if error == .noSuchFile { return nil }
      throw Failure(.unreachable, "cannot open \(store.quoted): \(error)")
    }
    let path = Self.path(of: directory)
    guard let client = try Client(store: path, interruption: interruption, onSilence: onSilence) else { return nil }
    self.client = client
    self.directory = directory
    guard try client.isAnswered(get("version")) else { return nil }
  }

  private static func path(of directory: borrowing FileDescriptor) -> String { "/proc/self/fd/\(directory.rawValue)" }

  public func version() throws(Failure) -> VersionReport { try client.call(get("version")) }

  public func heads() throws(Failure) -> [Head] { try client.call(get("heads")) }

  public func head(_ reference: String) throws(Failure) -> HeadReport { try client.call(get("heads", reference)) }

  public func fork(_ request: ForkRequest) throws(Failure) -> Head { try client.call(post("forks", request)) }

  public func snapshot(_ request: SnapshotRequest) throws(Failure) -> Head {
    try client.call(post("snapshots", request))
  }

  public func drop(_ reference: String) throws(Failure) {
    try client.call(Request(method: .delete, path: ["heads", reference]), as: Done.self)
  }

  /// The daemon stops where this process ends; `isWanted` is not asked.
  public func diff(
    _ request: DiffRequest, while isWanted: () -> Bool, _ body: (Change) throws(Failure) -> Bool
  ) throws(Failure) {
    var query = [(name: "new", value: request.new), ("patch", String(request.patch))]
    if let old = request.old { query.append(("old", old)) }
    if request.common == true { query.append(("common", "true")) }
    try client.list(Request(method: .get, path: ["diff"], query: query), body)
  }

  /// The daemon stops where this process ends; `isWanted` is not asked.
  public func log(_ request: LogRequest, while isWanted: () -> Bool) throws(Failure) -> [LogEntry] {
    var query = [(name: "reference", value: request.reference)]
    if let since = request.since { query.append(("since", String(since))) }
    if let limit = request.limit { query.append(("limit", String(limit))) }
    query.append(("verify", String(request.verify)))
    return try client.call(Request(method: .get, path: ["log"], query: query), within: nil)
  }

  public func importDirectory(
    _ request: ImportRequest, progress: @escaping ProgressHandler
  ) throws(Failure) -> TransferReport {
    var request = request
    request.passed = try session().pass(try request.openDirectory())
    return try client.follow(post("import", request), progress: progress)
  }

  public func exportDirectory(
    _ request: ExportRequest, progress: @escaping ProgressHandler
  ) throws(Failure) -> TransferReport {
    var request = request
    switch try ExportTarget(request) {
    case .existing(let target): request.passed = try session().pass(target)
    case .new(let parent, _): request.passedParent = try session().pass(parent)
    }
    return try client.follow(post("export", request), progress: progress)
  }

  public func collectGarbage(progress: ProgressHandler) throws(Failure) -> CollectionReport {
    try client.follow(post("gc", Done()), progress: progress)
  }

  public func check(progress: ProgressHandler) throws(Failure) -> CheckReport {
    try client.follow(post("check", Done()), progress: progress)
  }

  public func mounts() throws(Failure) -> [Mount] { try client.call(get("mounts")) }

  public func mount(_ request: MountRequest) throws(Failure) -> Mount {
    let directory = try MountDirectory(request)
    do throws(Failure) {
      try directory.check(against: store)
      var request = request
      request.passed = try session().pass(directory.descriptor)
      request.makesDirectory = directory.isNew
      return try client.call(post("mounts", request))
    } catch {
      directory.undo()
      throw error
    }
  }

  public func unmount(_ request: UnmountRequest) throws(Failure) {
    try client.call(post("unmount", request), as: Done.self)
  }

  public func upgrade(_ request: UpgradeRequest) throws(Failure) {
    var request = request
    let program: FileDescriptor
    do throws(Errno) { program = try FileDescriptor(naming: request.program) } catch {
      throw Failure(.failed, "cannot open \(request.program.quoted): \(error)")
    }
    do throws(Failure) { request.passed = try session().pass(program) } catch {
      // An older daemon has no sessions, and is the one to upgrade.
      guard error.kind == .notSupported else { throw error }
    }
    try client.call(post("upgrade", request), as: Done.self, within: nil)
  }

  public func shutDown(_ request: ShutdownRequest) throws(Failure) {
    try client.call(post("shutdown", request), as: Done.self, within: nil)
  }

  /// This client's session with the daemon. What is made for it ends with it: with the end of this process, or of this object.
  public func session() throws(Failure) -> ClientSession {
    try opened.withLock { (opened) throws(Failure) in
      if let opened { return opened }
      let session = try client.session()
      opened = session
      return session
    }
  }

  private func get(_ path: String...) -> Request { Request(method: .get, path: path) }

  private func post(_ path: String, _ body: some Encodable) throws(Failure) -> Request {
    do {
      return Request(method: .post, path: [path], body: try JSON.encode(body))
    } catch {
      throw Failure(.failed, "cannot write the request: \(error)")
    }
  }
}
