import CLinux
import Control
import Glibc
import Hummingbird
import HummingbirdCore
import Logging
import Service
import SystemIO

/// One run of the daemon's worker, from the lock of the store to the end of the process.
struct Daemon: Sendable {
  let store: String
  /// Whether the store is only read, and all mounts are read-only.
  let readOnly: Bool
  /// The seconds without work after which it ends by itself.
  let linger: Int?
  let log: Logger

  /// Serves until it is told to end; then the process ends. The calling thread waits for signals meanwhile.
  func run() throws(Failure) -> Never {
    // A limit that is reached is an error of one call, not the end of all mounts.
    linux_ignore_limit_signals()
    // Threads inherit which signals are held back, so this comes before there are any.
    let signals = try describing("catch signals") { () throws(Errno) in try Signals() }
    let supervisor = try describing("reach the supervisor") { () throws(Errno) in
      // Its children are not to hold on to it: the supervisor learns from its end that this process has ended.
      try retryingInterrupts { fcntl(3, F_SETFD, FD_CLOEXEC) }
      return try SupervisorLink(MessageSocket(FileDescriptor(owning: 3)), log: log)
    }
    let readiness = Readiness(supervisor)
    do throws(Failure) {
      try run(signals, supervisor, readiness)
    } catch {
      readiness.report(error)
      throw error
    }
  }

  private func run(
    _ signals: Signals, _ supervisor: SupervisorLink, _ readiness: Readiness
  ) throws(Failure) -> Never {
    let takeover = try Takeover(of: store, readOnly: readOnly, from: supervisor, log: log)
    let local = takeover.local
    if let recovery = local.recovery { log.notice("\(recovery)") }
    let directory = takeover.directory
    let path = try describing("open \(directory)") { () throws(Errno) in
      try SocketAddress(in: directory, name: SocketAddress.requestsName).keep()
    }
    // Whoever left a socket there is gone: this process has the lock. Nor may anything else keep the store from being used.
    try describing("make the socket") { () throws(Errno) in try SmallFile(path).remove() }
    let activity = Activity()
    let table = try describing("open the store") { () throws(Errno) in
      try MountTable(
        store: local.storage.path, in: directory, supervisor: supervisor, journal: takeover.journal, log: log)
    }
    try takeover.goOn(in: table)
    let sessions = SessionTable(in: directory, supervisor: supervisor, activity: activity, log: log)
    let sessionPath = try describing("open \(directory)") { () throws(Errno) in
      try SocketAddress(in: directory, name: SocketAddress.sessionName).keep()
    }
    let engine = DaemonEngine(
      local, table, sessions, sockets: [path, sessionPath], activity: activity, supervisor: supervisor, log: log)
    sessions.restore(mounts: { table.serves($0) }) { engine.end($0) }
    try describing("serve sessions") { () throws(Errno) in
      try SessionServer(at: sessionPath, sessions: sessions, log: log).start()
    }
    Task { await serve(engine, activity, supervisor, at: path, readiness) }
    if let linger { Task { await watch(engine, activity, atMost: .seconds(linger)) } }
    let signal = supervisor.next(of: signals)
    log.notice("ending on signal \(signal)")
    end(engine)
  }

  private func serve(
    _ engine: DaemonEngine, _ activity: Activity, _ supervisor: SupervisorLink, at path: String, _ readiness: Readiness
  ) async {
    let connections = Connections()
    // Half of the connections are left to what is quick.
    let workers = Workers(mostLong: connections.limit / 2)
    let application = Application(
      router: API.router(engine: engine, workers: workers, activity: activity, log: log),
      server: HTTPServerBuilder { WatchedChannel(responder: $0, connections: connections) },
      configuration: ApplicationConfiguration(
        address: .unixDomainSocket(path: path),
        availableConnectionsDelegate: AcceptingWithinLimit(connections: connections)),
      onServerRunning: { channel in
        connections.serve(on: channel)
        Task { await Heartbeat(server: channel, workers: workers, supervisor: supervisor).run() }
        chmod(path, 0o600)
        log.notice("serving \(store.quoted)")
        supervisor.tell(.serving)
        readiness.report()
      },
      logger: log)
    do {
      try await application.run()
      throw Failure(.failed, "the server has ended")
    } catch {
      // Mounts stay: another worker may be able to.
      log.critical("cannot serve: \(error)")
      readiness.report(Failure(describing: error))
      exit(EXIT_FAILURE)
    }
  }

  /// Ends the daemon when it had nothing to do for a while.
  private func watch(_ engine: DaemonEngine, _ activity: Activity, atMost limit: Duration) async {
    while true {
      let left = engine.isInUse ? limit : limit - activity.idleTime
      if left <= .zero { break }
      do { try await Task.sleep(for: left) } catch { return }
    }
    end(engine)
  }

  /// Ends the daemon: no other worker follows.
  private func end(_ engine: DaemonEngine) -> Never {
    do throws(Failure) {
      try engine.shutDown(ShutdownRequest(force: true))
    } catch {
      log.critical("\(error.message)")
      exit(EXIT_FAILURE)
    }
    exit(EXIT_SUCCESS)
  }

  private func describing<Value>(
    _ action: String, _ body: () throws(Errno) -> Value
  ) throws(Failure) -> Value {
    do throws(Errno) { return try body() } catch { throw Failure(.failed, "cannot \(action): \(error)") }
  }
}
