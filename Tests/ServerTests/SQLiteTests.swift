import TestSupport
import Testing

/// SQLite on a mount, with a writer that notes each commit after it was acknowledged.
@Suite(.enabled(if: TineStore.canMount, "it needs /dev/fuse and root"), .serialized)
struct SQLiteTests {
  /// Commits numbered rows one by one, each in a transaction of its own that is durable, and appends each number to a
  /// log on the host afterwards.
  private func startWriter(_ database: String, log: String) -> BackgroundProcess {
    BackgroundProcess(
      """
      i=0; while :; do i=$((i+1)); echo "INSERT INTO t VALUES($i, hex(randomblob(200)));"; echo ".print $i"; done \
        | sqlite3 -bail -cmd "PRAGMA synchronous=FULL" \(database) > \(log)
      """)
  }

  private func acknowledged(_ log: String) -> Int {
    Int(shell("tail -n 2 '\(log)' | grep -E '^[0-9]+$' | head -n 1").output.split(separator: "\n").first ?? "0") ?? 0
  }

  private func waitUntilAcknowledged(_ count: Int, _ log: String) {
    shell("touch '\(log)'; while [ $(wc -l < '\(log)') -lt \(count) ]; do sleep 0.01; done")
  }

  private func query(_ database: String, _ statement: String) -> String {
    shell("sqlite3 '\(database)' \"\(statement)\"").output.split(separator: "\n").joined(separator: " ")
  }

  private func makeDatabase(_ store: TineStore, journal: String) -> String {
    let source = store.directory.appending("source")
    let made = shell(
      "mkdir '\(source)' && sqlite3 '\(source)/db' 'PRAGMA journal_mode=\(journal); CREATE TABLE t(id INTEGER PRIMARY KEY, v)'"
    )
    #expect(made.code == 0, "\(made.output)")
    #expect(store.tine("init").code == 0)
    #expect(store.tine("import prod '\(source)'").code == 0)
    return store.mount("prod")
  }

  @Test(arguments: ["WAL", "DELETE", "TRUNCATE", "PERSIST"])
  func everyForkHoldsWhatWasAcknowledgedBefore(journal: String) {
    let store = TineStore()
    let mount = makeDatabase(store, journal: journal)
    let log = store.directory.appending("acknowledged")
    let writer = startWriter("\(mount)/db", log: log)
    for round in 1...5 {
      waitUntilAcknowledged(round * 30, log)
      let before = acknowledged(log)
      #expect(store.tine("fork prod fork\(round)").code == 0)
      let fork = store.mount("fork\(round)")
      #expect(query("\(fork)/db", "PRAGMA integrity_check") == "ok")
      let held = Int(query("\(fork)/db", "SELECT count(*) FROM t")) ?? 0
      #expect(held >= before, "journal \(journal), round \(round)")
      #expect(query("\(fork)/db", "SELECT max(id) FROM t") == String(held), "no commit is missing in between")
      #expect(query("\(fork)/db", "DELETE FROM t; SELECT count(*) FROM t") == "0")
    }
    writer.end()
    #expect(query("\(mount)/db", "PRAGMA integrity_check") == "ok")
    #expect((Int(query("\(mount)/db", "SELECT count(*) FROM t")) ?? 0) >= acknowledged(log))
  }

  @Test(arguments: ["WAL", "DELETE"])
  func nothingAcknowledgedIsLostWithTheDaemon(journal: String) {
    let store = TineStore()
    let mount = makeDatabase(store, journal: journal)
    for round in 1...3 {
      let log = store.directory.appending("acknowledged\(round)")
      shell("sqlite3 '\(mount)/db' 'DELETE FROM t'")
      let writer = startWriter("\(mount)/db", log: log)
      waitUntilAcknowledged(40 * round, log)
      store.killDaemon()
      writer.end()
      let mounted = store.tine("mount prod '\(mount)'")
      #expect(mounted.code == 0, "\(mounted.output)")
      #expect(query("\(mount)/db", "PRAGMA integrity_check") == "ok")
      #expect((Int(query("\(mount)/db", "SELECT count(*) FROM t")) ?? 0) >= acknowledged(log), "journal \(journal)")
    }
    let check = store.tine("check")
    #expect(check.code == 0, "\(check.output)")
  }
}
