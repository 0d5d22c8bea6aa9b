import TestSupport
import Testing

/// Redis on a mount, with a client that notes each acknowledged SET: with an append-only file that is flushed at each
/// change, and with snapshots.
@Suite(
  .enabled(if: TineStore.canMount, "it needs /dev/fuse and root"),
  .enabled(if: shell("which redis-server redis-cli redis-check-aof redis-check-rdb").code == 0, "it needs Redis"),
  .serialized)
struct RedisTests {
  private func startServer(
    _ directory: String, socket: String, keeping: String = "--appendonly yes --appendfsync always"
  ) -> BackgroundProcess {
    let server = BackgroundProcess(
      "exec redis-server --port 0 --unixsocket \(socket) --dir \(directory) --save '' \(keeping)")
    let ready = shell(
      "timeout 30 sh -c 'until redis-cli -s \(socket) ping 2>/dev/null | grep -q PONG; do sleep 0.02; done'")
    #expect(ready.code == 0, "the server in \(directory) does not answer")
    return server
  }

  /// Sets keys to ascending numbers one after the other, and notes each number when it was acknowledged.
  private func startClient(socket: String, key: String = "$i", log: Acknowledgments) -> BackgroundProcess {
    BackgroundProcess(
      """
      i=0; while :; do i=$((i+1)); echo "SET k\(key) $i"; done | redis-cli -s \(socket) \
        | grep --line-buffered -n OK > \(log.log)
      """)
  }

  private func number(of command: String, socket: String) -> Int {
    Int(shell("redis-cli -s '\(socket)' \(command)").output.split(separator: "\n").first ?? "") ?? 0
  }

  private func keys(socket: String) -> Int { number(of: "dbsize", socket: socket) }

  /// A fork that was taken while a manifest is replaced may have the temporary one beside it.
  private func verifyFiles(_ directory: String) {
    let checked = shell("redis-check-aof '\(directory)/appendonlydir/appendonly.aof.manifest'")
    #expect(checked.output.contains("All AOF files and manifest are valid"), "\(checked.output)")
  }

  private func verifySnapshot(_ directory: String) {
    let checked = shell("redis-check-rdb '\(directory)/dump.rdb'")
    #expect(checked.code == 0, "\(checked.output)")
  }

  private func makeStore() -> (TineStore, mount: String) {
    let store = TineStore()
    #expect(shell("mkdir '\(store.directory.appending("empty"))'").code == 0)
    #expect(store.tine("init").code == 0)
    #expect(store.tine("import prod '\(store.directory.appending("empty"))'").code == 0)
    return (store, store.mount("prod"))
  }

  @Test func everyForkHoldsWhatWasAcknowledgedBefore() {
    let (store, mount) = makeStore()
    let socket = store.directory.appending("prod.sock")
    let log = Acknowledgments(log: store.directory.appending("acknowledged"), pattern: "OK$")
    let server = startServer(mount, socket: socket)
    let client = startClient(socket: socket, log: log)
    for round in 1...4 {
      log.wait(for: round * 200)
      let before = log.count
      shell("redis-cli -s '\(socket)' bgrewriteaof")
      #expect(store.tine("fork prod fork\(round)").code == 0)
      let fork = store.mount("fork\(round)")
      let forkSocket = store.directory.appending("fork\(round).sock")
      let copy = startServer(fork, socket: forkSocket)
      #expect(keys(socket: forkSocket) >= before)
      shell("redis-cli -s '\(forkSocket)' flushall")
      #expect(keys(socket: forkSocket) == 0)
      copy.end()
      verifyFiles(fork)
    }
    client.end()
    #expect(keys(socket: socket) >= log.count)
    server.end()
    verifyFiles(mount)
  }

  /// A fork that is taken while a snapshot is being written holds the snapshot before, whole.
  @Test func everyForkHoldsWhatWasSavedBefore() {
    let (store, mount) = makeStore()
    let socket = store.directory.appending("prod.sock")
    let log = Acknowledgments(log: store.directory.appending("acknowledged"), pattern: "OK$")
    let server = startServer(mount, socket: socket, keeping: "--appendonly no")
    let client = startClient(socket: socket, key: "$((i % 300))", log: log)
    for round in 1...3 {
      log.wait(for: round * 500)
      let before = log.count
      #expect(shell("redis-cli -s '\(socket)' config set rdb-key-save-delay 0").code == 0)
      #expect(shell("redis-cli -s '\(socket)' save").output == "OK\n")
      shell("redis-cli -s '\(socket)' config set rdb-key-save-delay 3000; redis-cli -s '\(socket)' bgsave")
      #expect(shell("timeout 30 sh -c 'until ls \(mount)/temp-*.rdb; do sleep 0.01; done'").code == 0)
      #expect(store.tine("fork prod fork\(round)").code == 0)
      let fork = store.mount("fork\(round)")
      #expect(shell("ls '\(fork)'/temp-*.rdb").code == 0, "no snapshot was being written")
      verifySnapshot(fork)
      let forkSocket = store.directory.appending("fork\(round).sock")
      let copy = startServer(fork, socket: forkSocket, keeping: "--appendonly no")
      #expect(number(of: "get k\(before % 300)", socket: forkSocket) >= before)
      #expect(shell("redis-cli -s '\(forkSocket)' save").output == "OK\n")
      copy.end()
      verifySnapshot(fork)
      #expect(shell("timeout 30 sh -c 'while ls \(mount)/temp-*.rdb; do sleep 0.01; done'").code == 0)
    }
    client.end()
    server.end()
    verifySnapshot(mount)
  }

  @Test func theServerGoesOnWhereWorkersAreKilled() {
    let (store, mount) = makeStore()
    let socket = store.directory.appending("prod.sock")
    let log = Acknowledgments(log: store.directory.appending("acknowledged"), pattern: "OK$")
    let server = startServer(mount, socket: socket)
    let client = startClient(socket: socket, log: log)
    log.wait(for: 10)
    store.killWorkers(killCount(otherwise: 5))
    log.wait(for: log.count + 10)
    client.end()
    // Every key was set, so no answer was an error.
    let last = number(of: "--scan | tr -d k | sort -n | tail -n 1", socket: socket)
    #expect(last >= log.count)
    #expect(keys(socket: socket) == last)
    server.end()
    verifyFiles(mount)
    let check = store.tine("check")
    #expect(check.code == 0, "\(check.output)")
  }

  @Test func nothingAcknowledgedIsLostWithTheDaemon() {
    let (store, mount) = makeStore()
    let socket = store.directory.appending("prod.sock")
    let log = Acknowledgments(log: store.directory.appending("acknowledged"), pattern: "OK$")
    let server = startServer(mount, socket: socket)
    let client = startClient(socket: socket, log: log)
    log.wait(for: 500)
    store.killDaemon()
    client.end()
    server.end()
    let count = log.count
    let mounted = store.tine("mount prod '\(mount)'")
    #expect(mounted.code == 0, "\(mounted.output)")
    let again = startServer(mount, socket: socket)
    #expect(keys(socket: socket) >= count)
    again.end()
    verifyFiles(mount)
    let check = store.tine("check")
    #expect(check.code == 0, "\(check.output)")
  }
}
