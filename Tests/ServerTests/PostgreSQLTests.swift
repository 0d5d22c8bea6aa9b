import TestSupport
import Testing

/// Where Debian puts the server's programs.
private enum PostgreSQL {
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

  private func start(_ data: String, _ store: TineStore) {
    let socket = store.directory.path
    let started = asServer(
      "\(PostgreSQL.programs)/pg_ctl -D \(data) -w -t 60 -l \(socket)/log -o \"-k \(socket) -c listen_addresses=''\" start"
    )
    #expect(started.code == 0, "\(started.output) \(shell("tail -n 20 '\(socket)/log'").output)")
  }

  private func query(_ statement: String, _ store: TineStore) -> String {
    asServer("psql -X -A -t -h \(store.directory.path) -c \"\(statement)\" postgres").output
      .split(separator: "\n").joined(separator: " ")
  }

  /// Kills the server and its children, some of which may be gone already.
  private func killServer(_ data: String) {
    shell(
      """
      server=$(pgrep -f -- '[-]D \(data)'); all="$server $(pgrep -d ' ' -P "$server")"
      kill -KILL $all; for process in $all; do while kill -0 $process; do sleep 0.01; done; done
      """)
  }

  @Test func nothingAcknowledgedIsLostWithTheDaemon() {
    let store = TineStore()
    let socket = store.directory.path
    shell("chmod 777 '\(socket)'")
    let data = store.directory.appending("data")
    #expect(asServer("\(PostgreSQL.programs)/initdb -k -D \(data)").code == 0)
    #expect(store.tine("init").code == 0)
    #expect(store.tine("import prod '\(data)'").code == 0)
    let mount = store.mount("prod")
    start(mount, store)
    #expect(query("CREATE TABLE t(client int, id int)", store) == "CREATE TABLE")
    for round in 1...2 {
      let log = Acknowledgments(log: store.directory.appending("acknowledged\(round)"))
      let client = BackgroundProcess(
        """
        cd /; i=0; while :; do i=$((i+1)); echo "INSERT INTO t VALUES(\(round), $i) RETURNING id;"; done \
          | setpriv --reuid postgres --regid postgres --clear-groups psql -X -A -t -q -h \(socket) postgres > \(log.log)
        """)
      log.wait(for: 300)
      store.killDaemon()
      client.end()
      killServer(mount)
      let acknowledged = log.count
      let mounted = store.tine("mount prod '\(mount)'")
      #expect(mounted.code == 0, "\(mounted.output)")
      start(mount, store)
      let held = Int(query("SELECT count(*) FROM t WHERE client = \(round)", store)) ?? 0
      #expect(held >= acknowledged)
      #expect(query("SELECT max(id) FROM t WHERE client = \(round)", store) == String(held))
    }
    let amcheck = asServer("\(PostgreSQL.programs)/pg_amcheck -h \(socket) --install-missing --heapallindexed postgres")
    #expect(amcheck.code == 0, "\(amcheck.output)")
    #expect(asServer("\(PostgreSQL.programs)/pg_ctl -D \(mount) -m fast -w stop").code == 0)
    let checksums = asServer("\(PostgreSQL.programs)/pg_checksums --check -D \(mount)")
    #expect(checksums.code == 0, "\(checksums.output)")
    let check = store.tine("check")
    #expect(check.code == 0, "\(check.output)")
  }
}
