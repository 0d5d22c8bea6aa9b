import TestSupport
import Testing

/// SQLite on a mount, with writers that note each commit after it was acknowledged.
@Suite(
  .enabled(if: TineStore.canMount, "it needs /dev/fuse and root"),
  .enabled(if: shell("which sqlite3").code == 0, "it needs SQLite"), .serialized)
struct SQLiteTests {
  /// Commits numbered rows one by one, each in a transaction of its own that is durable, and appends each number to a
  /// log on the host afterwards. Most journal modes hold for a connection only, so each writer chooses its own.
  private func startWriter(
    _ database: String, journal: String, synchronous: String = "FULL", writer: Int = 0, until last: String = "inf",
    log: Acknowledgments
  ) -> BackgroundProcess {
    BackgroundProcess(
      """
      seq \(last) | sed 's/.*/INSERT INTO t VALUES(\(writer), &, hex(randomblob(200)));\\n.print &/' \
        | stdbuf -oL sqlite3 -bail -cmd '.timeout 60000' -cmd '.output /dev/null' \
          -cmd 'PRAGMA journal_mode=\(journal)' -cmd '.output' -cmd 'PRAGMA synchronous=\(synchronous)' \(database) \
          > \(log.log) 2>&1
      """)
  }

  private func query(_ database: String, _ statement: String) -> String {
    shell("sqlite3 '\(database)' \"\(statement)\"").output.split(separator: "\n").joined(separator: " ")
  }

  private func makeDatabase(_ store: TineStore, journal: String) -> String {
    let source = store.directory.appending("source")
    let table = "CREATE TABLE t(writer, id, v, PRIMARY KEY(writer, id))"
    let made = shell(
      "mkdir '\(source)' && sqlite3 '\(source)/db' 'PRAGMA journal_mode=\(journal); \(table)'")
    #expect(made.code == 0, "\(made.output)")
    #expect(store.tine("init").code == 0)
    #expect(store.tine("import prod '\(source)'").code == 0)
    return store.mount("prod")
  }

  /// With synchronous OFF it flushes nothing: that every write reaches the ledger in its order keeps its forks whole.
  @Test(arguments: ["WAL", "DELETE", "TRUNCATE", "PERSIST"], ["FULL", "OFF"])
  func everyForkHoldsWhatWasAcknowledgedBefore(journal: String, synchronous: String) {
    let store = TineStore()
    let mount = makeDatabase(store, journal: journal)
    let rounds = forkCount(otherwise: 4)
    // The longer a writer is at it, the longer every check of its database takes.
    for first in stride(from: 1, through: rounds, by: 20) {
      #expect(query("\(mount)/db", "DELETE FROM t; SELECT count(*) FROM t") == "0")
      forkUnderLoad(store, mount, journal, synchronous, rounds: first...min(rounds, first + 19))
    }
  }

  private func forkUnderLoad(
    _ store: TineStore, _ mount: String, _ journal: String, _ synchronous: String, rounds: ClosedRange<Int>
  ) {
    let log = Acknowledgments(log: store.directory.appending("acknowledged\(rounds.lowerBound)"))
    let writer = startWriter("\(mount)/db", journal: journal, synchronous: synchronous, log: log)
    for round in rounds {
      log.wait(for: log.count + Int.random(in: 1...20))
      let before = log.count
      #expect(store.tine("fork prod fork\(round)").code == 0)
      let fork = store.mount("fork\(round)")
      #expect(query("\(fork)/db", "PRAGMA integrity_check") == "ok")
      let held = Int(query("\(fork)/db", "SELECT count(*) FROM t")) ?? 0
      #expect(held >= before, "journal \(journal), round \(round)")
      #expect(query("\(fork)/db", "SELECT max(id) FROM t") == String(held), "no commit is missing in between")
      #expect(query("\(fork)/db", "DELETE FROM t; SELECT count(*) FROM t") == "0")
      #expect(store.tine("unmount '\(fork)'").code == 0)
      #expect(store.tine("drop fork\(round)").code == 0)
    }
    writer.end()
    #expect(query("\(mount)/db", "PRAGMA integrity_check") == "ok")
    #expect((Int(query("\(mount)/db", "SELECT count(*) FROM t")) ?? 0) >= log.count)
  }

  /// Every commit of every writer is there, and no other one.
  private func expectWhole(_ database: String, _ acknowledged: [Int], journal: String) {
    #expect(query(database, "PRAGMA integrity_check") == "ok", "journal \(journal)")
    for (writer, count) in acknowledged.enumerated() {
      let held = Int(query(database, "SELECT count(*) FROM t WHERE writer = \(writer)")) ?? 0
      #expect(held >= count, "journal \(journal), writer \(writer)")
      #expect(query(database, "SELECT coalesce(max(id), 0) FROM t WHERE writer = \(writer)") == String(held))
    }
  }

  /// A fork of a database whose journal is not in a file has half a transaction where a writer is in one, as after a
  /// crash; such a database is forked when its writers have ended.
  @Test(arguments: ["WAL", "DELETE", "TRUNCATE", "PERSIST", "MEMORY", "OFF"])
  func severalProcessesWriteAtOnce(journal: String) {
    let store = TineStore()
    let mount = makeDatabase(store, journal: journal)
    let logs = (0..<4).map { Acknowledgments(log: store.directory.appending("acknowledged\($0)")) }
    let writers = logs.enumerated().map {
      startWriter("\(mount)/db", journal: journal, writer: $0.offset, until: "40", log: $0.element)
    }
    if !["MEMORY", "OFF"].contains(journal) {
      logs[0].wait(for: 10)
      let before = logs.map(\.count)
      #expect(store.tine("fork prod loaded").code == 0)
      expectWhole("\(store.mount("loaded"))/db", before, journal: journal)
    }
    for writer in writers { writer.wait() }
    #expect(store.tine("fork prod ended").code == 0)
    for database in ["\(mount)/db", "\(store.mount("ended"))/db"] {
      expectWhole(database, [40, 40, 40, 40], journal: journal)
    }
  }

  @Test(arguments: ["WAL", "DELETE"])
  func writersGoOnWhereWorkersAreKilled(journal: String) {
    let store = TineStore()
    let mount = makeDatabase(store, journal: journal)
    let logs = (0..<2).map { Acknowledgments(log: store.directory.appending("acknowledged\($0)")) }
    let writers = logs.enumerated().map {
      startWriter("\(mount)/db", journal: journal, writer: $0.offset, log: $0.element)
    }
    store.killWorkers(killCount(otherwise: 5))
    for log in logs { log.wait(for: log.count + 3) }
    for writer in writers { writer.end() }
    #expect(shell("grep -hvE '^[0-9]+$' \(logs.map(\.log).joined(separator: " "))").output == "", "no statement failed")
    expectWhole("\(mount)/db", logs.map(\.count), journal: journal)
    let check = store.tine("check")
    #expect(check.code == 0, "\(check.output)")
  }

  @Test(arguments: ["WAL", "DELETE"])
  func nothingAcknowledgedIsLostWithTheDaemon(journal: String) {
    let store = TineStore()
    let mount = makeDatabase(store, journal: journal)
    for round in 1...3 {
      let log = Acknowledgments(log: store.directory.appending("acknowledged\(round)"))
      shell("sqlite3 '\(mount)/db' 'DELETE FROM t'")
      let writer = startWriter("\(mount)/db", journal: journal, log: log)
      log.wait(for: 40 * round)
      store.killDaemon()
      writer.end()
      let mounted = store.tine("mount prod '\(mount)'")
      #expect(mounted.code == 0, "\(mounted.output)")
      #expect(query("\(mount)/db", "PRAGMA integrity_check") == "ok")
      #expect((Int(query("\(mount)/db", "SELECT count(*) FROM t")) ?? 0) >= log.count, "journal \(journal)")
    }
    let check = store.tine("check")
    #expect(check.code == 0, "\(check.output)")
  }
}
