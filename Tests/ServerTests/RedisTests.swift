import TestSupport
import Testing

/// Redis with `appendfsync always` on a mount, with a client that notes each acknowledged SET.
@Suite(.enabled(if: TineStore.canMount, "it needs /dev/fuse and root"), .serialized)
struct RedisTests {
  private func startServer(_ directory: String, socket: String) -> BackgroundProcess {
    let server = BackgroundProcess(
      "exec redis-server --port 0 --unixsocket \(socket) --dir \(directory) --appendonly yes --appendfsync always --save ''"
    )
    let ready = shell(
      "timeout 30 sh -c 'until redis-cli -s \(socket) ping 2>/dev/null | grep -q PONG; do sleep 0.02; done'")
    #expect(ready.code == 0, "the server in \(directory) does not answer")
    return server
  }

  /// Sets numbered keys one after the other, and appends each number to a log on the host when it was acknowledged.
  private func startClient(socket: String, log: String) -> BackgroundProcess {
    BackgroundProcess(
      """
      i=0; while :; do i=$((i+1)); echo "SET k$i v$i"; done | redis-cli -s \(socket) | grep --line-buffered -n OK > \(log)
      """)
  }

  private func acknowledged(_ log: String) -> Int {
    Int(shell("grep -E '^[0-9]+:OK$' '\(log)' | tail -n 1 | cut -d: -f1").output.split(separator: "\n").first ?? "0")
      ?? 0
  }

  private func waitUntilAcknowledged(_ count: Int, _ log: String) {
    shell("touch '\(log)'; while [ $(wc -l < '\(log)') -lt \(count) ]; do sleep 0.01; done")
  }

  private func keys(socket: String) -> Int {
    Int(shell("redis-cli -s '\(socket)' dbsize").output.split(separator: "\n").first ?? "") ?? 0
  }

  private func verifyFiles(_ directory: String) {
    let checked = shell("cd '\(directory)/appendonlydir' && redis-check-aof *.manifest")
    #expect(checked.output.contains("All AOF files and manifest are valid"), "\(checked.output)")
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
    let log = store.directory.appending("acknowledged")
    let server = startServer(mount, socket: socket)
    let client = startClient(socket: socket, log: log)
    for round in 1...4 {
      waitUntilAcknowledged(round * 200, log)
      let before = acknowledged(log)
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
    #expect(keys(socket: socket) >= acknowledged(log))
    server.end()
    verifyFiles(mount)
  }

  @Test func nothingAcknowledgedIsLostWithTheDaemon() {
    let (store, mount) = makeStore()
    let socket = store.directory.appending("prod.sock")
    let log = store.directory.appending("acknowledged")
    let server = startServer(mount, socket: socket)
    let client = startClient(socket: socket, log: log)
    waitUntilAcknowledged(500, log)
    store.killDaemon()
    client.end()
    server.end()
    let count = acknowledged(log)
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
