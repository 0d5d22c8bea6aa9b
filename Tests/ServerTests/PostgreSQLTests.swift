import TestSupport
import Testing

/// Where Debian puts the server's programs.
enum PostgreSQL {
  static let programs = "/usr/lib/postgresql/15/bin"
  static let isInstalled = shell("test -x \(programs)/postgres && test -x \(programs)/pg_amcheck").code == 0
}

/// PostgreSQL on a mount. What is proven of forks under load is what `tine demo --postgres` proves, so that is what
/// runs here, on a smaller scale.
@Suite(
  .enabled(if: TineStore.canMount, "it needs /dev/fuse and root"),
  .enabled(if: PostgreSQL.isInstalled, "it needs PostgreSQL 15"), .serialized)
struct PostgreSQLTests {
  @Test func everyForkOfALoadedServerIsWhole() {
    let store = TineStore()
    let demo = store.tine("demo --postgres --scale 2 --duration 10 --forks 4")
    #expect(demo.code == 0, "\(demo.output)")
  }

  private func asServer(_ command: String) -> (code: Int32, output: String) {
    shell("cd / && setpriv --reuid postgres --regid postgres --clear-groups \(command)")
  }

  private func start(_ data: String, _ store: TineStore, settings: String = "", port: Int = 5432) {
    let socket = store.directory.path
    let options = "-k \(socket) -p \(port) -c listen_addresses='' \(settings)"
    let started = asServer(
      "\(PostgreSQL.programs)/pg_ctl -D \(data) -w -t 60 -l \(socket)/log\(port) -o \"\(options)\" start")
    #expect(started.code == 0, "\(started.output) \(shell("tail -n 20 '\(socket)/log\(port)'").output)")
  }

  private func query(_ statement: String, _ store: TineStore, port: Int = 5432) -> String {
    asServer("psql -X -A -t -h \(store.directory.path) -p \(port) -c \"\(statement)\" postgres").output
      .split(separator: "\n").joined(separator: " ")
  }

  /// Inserts ascending numbers, each in a transaction of its own, and notes those that were acknowledged.
  private func startClient(_ number: Int, _ store: TineStore, log: Acknowledgments) -> BackgroundProcess {
    BackgroundProcess(
      """
      cd /; i=0; while :; do i=$((i+1)); echo "INSERT INTO t VALUES(\(number), $i) RETURNING id;"; done \
        | setpriv --reuid postgres --regid postgres --clear-groups psql -X -A -t -q -h \(store.directory.path) postgres \
        > \(log.log)
      """)
  }

  /// A new cluster as a fork, mounted and served.
  private func makeServer(_ store: TineStore, settings: String = "") -> String {
    shell("chmod 777 '\(store.directory.path)'")
    let data = store.directory.appending("data")
    #expect(asServer("\(PostgreSQL.programs)/initdb -k -D \(data)").code == 0)
    #expect(store.tine("init").code == 0)
    #expect(store.tine("import prod '\(data)'").code == 0)
    let mount = store.mount("prod")
    start(mount, store, settings: settings)
    #expect(query("CREATE TABLE t(client int, id int)", store) == "CREATE TABLE")
    return mount
  }

  /// With fsync off it flushes nothing: that every write reaches the ledger in its order keeps its forks whole.
  @Test(arguments: ["on", "off"])
  func everyForkAtARandomMomentIsWhole(fsync: String) {
    let store = TineStore()
    let settings = "-c fsync=\(fsync)"
    let mount = makeServer(store, settings: settings)
    let log = Acknowledgments(log: store.directory.appending("acknowledged"))
    let client = startClient(1, store, log: log)
    for round in 1...forkCount(otherwise: 2) {
      log.wait(for: log.count + Int.random(in: 1...200))
      let before = log.count
      #expect(store.tine("fork prod fork\(round)").code == 0)
      let fork = store.mount("fork\(round)")
      // The lock file of the origin, which runs.
      shell("rm '\(fork)/postmaster.pid'")
      start(fork, store, settings: settings, port: 5433)
      let held = Int(query("SELECT count(*) FROM t", store, port: 5433)) ?? 0
      #expect(held >= before, "round \(round)")
      #expect(query("SELECT max(id) FROM t", store, port: 5433) == String(held), "round \(round)")
      let amcheck = asServer(
        "\(PostgreSQL.programs)/pg_amcheck -h \(store.directory.path) -p 5433 --install-missing --heapallindexed postgres"
      )
      #expect(amcheck.code == 0, "round \(round): \(amcheck.output)")
      #expect(asServer("\(PostgreSQL.programs)/pg_ctl -D \(fork) -m fast -w stop").code == 0)
      let checksums = asServer("\(PostgreSQL.programs)/pg_checksums --check -D \(fork)")
      #expect(checksums.code == 0, "round \(round): \(checksums.output)")
      #expect(store.tine("unmount '\(fork)'").code == 0)
      #expect(store.tine("drop fork\(round)").code == 0)
    }
    client.end()
    #expect(asServer("\(PostgreSQL.programs)/pg_ctl -D \(mount) -m fast -w stop").code == 0)
  }

  @Test func theServerGoesOnWhereWorkersAreKilled() {
    let store = TineStore()
    let mount = makeServer(store)
    let logs = (1...3).map { Acknowledgments(log: store.directory.appending("acknowledged\($0)")) }
    let clients = logs.enumerated().map { startClient($0.offset, store, log: $0.element) }
    for log in logs { log.wait(for: 10) }
    store.killWorkers(killCount(otherwise: 5))
    for log in logs { log.wait(for: log.count + 10) }
    let complaints = shell("grep -E 'ERROR|FATAL|PANIC|could not' '\(store.directory.path)/log5432'")
    #expect(complaints.output == "")
    for client in clients { client.end() }
    for (client, log) in logs.enumerated() {
      let held = query("SELECT count(*) FROM t WHERE client = \(client)", store)
      #expect((Int(held) ?? 0) >= log.count)
      #expect(query("SELECT max(id) FROM t WHERE client = \(client)", store) == held, "no statement failed in between")
    }
    expectSound(mount, store)
  }

  /// The server's own checkers find nothing. They end it.
  private func expectSound(_ mount: String, _ store: TineStore) {
    let amcheck = asServer(
      "\(PostgreSQL.programs)/pg_amcheck -h \(store.directory.path) --install-missing --heapallindexed postgres")
    #expect(amcheck.code == 0, "\(amcheck.output)")
    #expect(asServer("\(PostgreSQL.programs)/pg_ctl -D \(mount) -m fast -w stop").code == 0)
    let checksums = asServer("\(PostgreSQL.programs)/pg_checksums --check -D \(mount)")
    #expect(checksums.code == 0, "\(checksums.output)")
    let check = store.tine("check")
    #expect(check.code == 0, "\(check.output)")
  }

  /// The server that runs on a data directory. It cannot be looked for by its command line, which is gone before it is.
  private func serverProcess(_ data: String) -> String {
    shell("head -n 1 '\(data)/postmaster.pid' | tr -d '\\n'").output
  }

  /// Kills the server and its children, some of which may be gone already, and waits until they are.
  private func killServer(_ server: String) {
    shell(
      """
      all="\(server) $(pgrep -d ' ' -P '\(server)')"
      kill -KILL $all; for process in $all; do while kill -0 $process; do sleep 0.01; done; done
      """)
  }

  @Test func nothingAcknowledgedIsLostWithTheDaemon() {
    let store = TineStore()
    let mount = makeServer(store)
    for round in 1...2 {
      let log = Acknowledgments(log: store.directory.appending("acknowledged\(round)"))
      let client = startClient(round, store, log: log)
      log.wait(for: 300)
      let server = serverProcess(mount)
      store.killDaemon()
      client.end()
      killServer(server)
      let acknowledged = log.count
      let mounted = store.tine("mount prod '\(mount)'")
      #expect(mounted.code == 0, "\(mounted.output)")
      start(mount, store)
      let held = Int(query("SELECT count(*) FROM t WHERE client = \(round)", store)) ?? 0
      #expect(held >= acknowledged)
      #expect(query("SELECT max(id) FROM t WHERE client = \(round)", store) == String(held))
    }
    expectSound(mount, store)
  }
}
