import TestSupport
import Testing

/// MariaDB's InnoDB on a mount, with clients that move money between accounts and note each acknowledged transfer.
@Suite(
  .enabled(if: TineStore.canMount, "it needs /dev/fuse and root"),
  .enabled(if: MariaDBServer.isInstalled, "it needs MariaDB"), .serialized)
struct MariaDBTests {
  private let store = TineStore()
  private let clients = 1...3

  private var files: String { store.directory.appending("servers") }

  /// A store with a mounted fork that holds a server's data directory.
  private func makeStore() -> (mount: String, server: MariaDBServer) {
    let data = store.directory.appending("data")
    MariaDBServer.install(in: data)
    #expect(shell("mkdir '\(files)' && chown mysql '\(files)'").code == 0)
    #expect(store.tine("init").code == 0)
    #expect(store.tine("import prod '\(data)'").code == 0)
    let mount = store.mount("prod")
    let server = MariaDBServer(mount, files: files)
    let made = server.query(
      """
      CREATE DATABASE shop; USE shop;
      CREATE TABLE account(id INT PRIMARY KEY, balance INT) SELECT seq AS id, 1000 AS balance FROM seq_0_to_99;
      CREATE TABLE transfer(client INT, id INT, data BLOB, PRIMARY KEY(client, id));
      CREATE TABLE packed(client INT, id INT, data BLOB, PRIMARY KEY(client, id)) PAGE_COMPRESSED=1;
      """, in: "mysql")
    #expect(made == "")
    return (mount, server)
  }

  /// Accounts are locked in the order of their numbers, so that no client waits for another one forever. The table
  /// `packed` is compressed by pages: InnoDB punches a hole behind each that it writes.
  private func startClients(_ server: MariaDBServer, round: Int) -> [BackgroundProcess] {
    clients.map { client in
      server.startClient(
        """
        i=$((\(round) * 1000000)); while :; do i=$((i+1)); from=$((i * \(client) % 50)); to=$((from + 1 + i % 49))
          echo "START TRANSACTION; UPDATE account SET balance = balance - 1 WHERE id = $from;"
          echo "UPDATE account SET balance = balance + 1 WHERE id = $to;"
          echo "INSERT INTO transfer VALUES(\(client), $i, RANDOM_BYTES(1000));"
          echo "INSERT INTO packed VALUES(\(client), $i, REPEAT(MD5($i), 60)); COMMIT; SELECT $i;"
        done
        """, log: log(client, round).log)
    }
  }

  private func log(_ client: Int, _ round: Int) -> Acknowledgments {
    Acknowledgments(log: store.directory.appending("log-\(client)-\(round)"))
  }

  private func acknowledged(_ round: Int) -> [Int] { clients.map { log($0, round).count } }

  /// Every transfer that was acknowledged is there, none is there in part, and no number is missing in between.
  private func expectWhole(_ server: MariaDBServer, _ round: Int, _ acknowledged: [Int]) {
    #expect(server.query("SELECT SUM(balance) FROM account") == "100000")
    for (client, count) in zip(clients, acknowledged) {
      let rows = "FROM transfer JOIN packed USING(client, id) WHERE client = \(client) AND id > \(round * 1_000_000)"
      let held = Int(server.query("SELECT COUNT(*) \(rows) AND packed.data = REPEAT(MD5(id), 60)")) ?? 0
      #expect(held >= count, "client \(client)")
      #expect(server.query("SELECT MAX(id) - \(round * 1_000_000) \(rows)") == String(held))
    }
    server.expectSound(["account", "transfer", "packed"])
  }

  @Test func everyForkHoldsWhatWasAcknowledgedBefore() {
    let (mount, server) = makeStore()
    let load = startClients(server, round: 1)
    for fork in 1...2 {
      for client in clients { log(client, 1).wait(for: fork * 150) }
      let before = acknowledged(1)
      #expect(store.tine("fork prod fork\(fork)").code == 0)
      let copy = MariaDBServer(store.mount("fork\(fork)"), files: files)
      expectWhole(copy, 1, before)
      #expect(copy.query("DELETE FROM transfer; SELECT COUNT(*) FROM transfer") == "0")
      copy.shutDown()
    }
    for client in load { client.end() }
    expectWhole(server, 1, acknowledged(1))
    server.shutDown()
    let packed = shell("stat --format='$((%b * 512 * 2)) -lt %s' '\(mount)/shop/packed.ibd' | sed 's/.*/[ & ]/' | sh")
    #expect(packed.code == 0, "InnoDB has made no holes in its compressed table")
  }

  @Test func nothingAcknowledgedIsLostWithTheDaemon() {
    var (mount, server) = makeStore()
    for round in 1...2 {
      let load = startClients(server, round: round)
      for client in clients { log(client, round).wait(for: 150) }
      store.killDaemon()
      for client in load { client.end() }
      server.kill()
      let mounted = store.tine("mount prod '\(mount)'")
      #expect(mounted.code == 0, "\(mounted.output)")
      server = MariaDBServer(mount, files: files)
      expectWhole(server, round, acknowledged(round))
    }
    server.shutDown()
    let check = store.tine("check")
    #expect(check.code == 0, "\(check.output)")
  }
}
