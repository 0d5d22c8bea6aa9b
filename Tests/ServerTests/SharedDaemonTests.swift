import Glibc
import PosixCalls
import SystemIO
import TestSupport
import Testing

/// One daemon serves many: what some of them do, or leave undone, does not keep it from the others.
@Suite(.enabled(if: TineStore.canMount, "it needs /dev/fuse and root"), .serialized)
struct SharedDaemonTests {
  private let store = TineStore()

  init() {
    #expect(store.tine("init").code == 0)
    #expect(store.tine("fork --empty prod").code == 0)
  }

  /// Starts the daemon with a limit of open files that it cannot raise, and mounts.
  private func mount(openFiles: Int) -> String {
    let target = store.directory.appending("mount-prod")
    let mounted = shell(
      """
      mkdir '\(target)'; ulimit -n \(openFiles)
      exec setpriv --bounding-set -sys_resource --inh-caps -sys_resource sh -c "\(store.command("mount prod \(target)"))"
      """)
    #expect(mounted.code == 0, "\(mounted.output)")
    return target
  }

  private var worker: String { "$(pgrep -f -- '[-]-store \(store.path) --worker')" }

  /// They used up the daemon's descriptors: servers on mounts got EMFILE, and no command was answered.
  @Test func idleConnectionsKeepNobodyOut() throws {
    let mount = mount(openFiles: 256)
    #expect(shell("echo before > '\(mount)/x'").code == 0)
    let idle = try (0..<600).map { _ in try IdleConnection(to: store.path) }
    for round in 0..<3 {
      let listed = shell("timeout 5 env \(store.command("list"))")
      #expect(listed.code == 0, "round \(round): \(listed.output)")
    }
    // More segments than there were descriptors in reserve without a limit of connections.
    let written = shell("cd '\(mount)' && head -c 150000000 /dev/urandom > big && sync big && cat x")
    #expect(written.output == "before\n")
    let open = shell("ls /proc/\(worker)/fd | wc -l").output
    #expect(try #require(Int(open.filter { $0.isNumber })) < 192)
    #expect(idle.count == 600)
  }

  /// Half a request, and nothing after an answer, are as idle as nothing at all; what asks is never closed.
  @Test func connectionsThatStopInTheMiddleKeepNobodyOut() throws {
    _ = mount(openFiles: 256)
    let texts = [
      "GET /v1/heads HTT", "POST /v1/forks HTTP/1.1\r\nHost: tine\r\nContent-Length: 1000\r\n\r\n{",
      "GET /v1/version HTTP/1.1\r\nHost: tine\r\n\r\n",
    ]
    let slow = try (0..<300).map { index in
      let connection = try IdleConnection(to: store.path)
      connection.send(texts[index % texts.count])
      return connection
    }
    let listed = shell("timeout 5 env \(store.command("list"))")
    #expect(listed.code == 0, "\(listed.output)")
    #expect(slow.count == 300)
  }

  @Test func idleConnectionsAreClosed() throws {
    let mount = store.mount("prod")
    let idle = try IdleConnection(to: store.path)
    #expect(!idle.isClosed(within: 20_000))
    #expect(idle.isClosed(within: 15_000))
    #expect(shell("ls '\(mount)'").code == 0)
  }

  /// Long operations had the threads of all others.
  @Test func longOperationsKeepNobodyWaiting() throws {
    let other = TineStore()
    #expect(other.tine("init").code == 0)
    #expect(other.tine("fork --empty slow").code == 0)
    let source = other.mount("slow")
    _ = store.mount("prod")
    let stopped = "$(pgrep -f -- '[-]-store \(other.path) --worker')"
    #expect(shell("kill -STOP \(stopped)").code == 0)
    let imports = (0..<40).map { BackgroundProcess(store.command("import copy-\($0) '\(source)'")) }
    // The imports have begun where all threads for long work wait for the other daemon.
    let begun = shell(
      """
      worker=\(worker); timeout 30 sh -c "until [ \\$(cat /proc/$worker/task/*/wchan | grep -oE 'request_wait_answer|d_alloc_parallel' | wc -l) -ge 16 ]; do
      sleep 0.1; done"
      """)
    let listed = shell("timeout 5 env \(store.command("list"))")
    let forked = shell("timeout 5 env \(store.command("fork prod try"))")
    shell("kill -CONT \(stopped)")
    #expect(begun.code == 0, "\(begun.output)")
    #expect(listed.code == 0, "\(listed.output)")
    #expect(forked.code == 0, "\(forked.output)")
    for work in imports { work.wait() }
    let copies = shell("\(store.command("list")) | grep -c '^copy-'")
    #expect(copies.output == "40\n", "what waited is done")
  }

  /// The record of mounts was renamed into place without a flush, and empty after most power cuts.
  @Test(.enabled(if: shell("which strace").code == 0, "it needs strace"))
  func theRecordOfMountsIsFlushedBeforeItIsNamed() {
    _ = store.mount("prod")
    #expect(store.tine("fork prod other").code == 0)
    let trace = store.directory.appending("trace")
    let tracer = BackgroundProcess("exec strace -f -y -o '\(trace)' -e trace=fsync,rename,renameat2 -p \(worker)")
    shell("until grep -q '^TracerPid:.[1-9]' /proc/\(worker)/status; do sleep 0.01; done")
    _ = store.mount("other")
    tracer.end()
    let calls = shell(
      "grep -o 'fsync.*mounts.json.new\\|rename.*mounts.json.new\\|fsync.*/store>' '\(trace)' | cut -c1-6")
    #expect(
      calls.output.hasPrefix("fsync\nrename\nfsync\n") || calls.output.hasPrefix("fsync(\nrename\nfsync(\n"),
      "\(calls.output)")
  }

  /// What was asked for by somebody who is gone went on to its end, and took the processor from all others.
  @Test(.enabled(if: shell("which curl").code == 0, "it needs curl"))
  func workForAClientThatIsGoneStops() throws {
    let mount = store.mount("prod")
    let written = shell("head -c 200000000 /dev/urandom > '\(mount)/big' && sync '\(mount)/big'")
    #expect(written.code == 0, "\(written.output)")
    let url = "http://tine/v1/log?reference=prod&verify=true"
    let ask = "curl -s -o /dev/null --unix-socket '\(store.path)/socket' '\(url)'"
    let used = """
      used() { awk '{ print $14 + $15 }' /proc/\(worker)/stat; }
      """
    let whole = shell("\(used)\nbefore=$(used); \(ask); echo $(($(used) - before))")
    let gone = shell("\(used)\nbefore=$(used); timeout 0.2 \(ask); sleep 10; echo $(($(used) - before))")
    let ticks = try [whole, gone].map { try #require(Int($0.output.filter { $0.isNumber })) }
    #expect(ticks[0] > 100, "reading all takes a second at least: \(whole.output)")
    #expect(ticks[1] < ticks[0] / 2, "\(ticks)")
  }

  @Test func theLogIsReplacedWhenItIsFull() {
    _ = store.mount("prod")
    let log = store.path + "/daemon.log"
    #expect(shell("truncate -s 9M '\(log)' && cp '\(log)' '\(log).1'").code == 0)
    #expect(store.tine("fork nothing else").code != 0)
    #expect(shell("stat -c %s '\(log).1'").output.count == 8, "the full one is kept")
    #expect(shell("[ $(stat -c %s '\(log)') -lt 10000 ] && grep -c 'nothing' '\(log)'").code == 0)
    store.killWorker()
    #expect(shell("timeout 30 sh -c \"until grep 'another one takes over' '\(log)'; do sleep 0.01; done\"").code == 0)
    #expect(shell("grep -c 'another one takes over' '\(log).1'").code != 0, "the supervisor follows")
    #expect(store.tine("list").code == 0)
    for _ in 0..<20 { _ = store.tine("fork nothing else") }
    #expect(
      shell("[ $(grep -c 'POST /v1/forks failed' '\(log)') -le 7 ]").code == 0, "what comes again and again is counted")
  }
}

/// A connection to a daemon that asks for nothing by itself.
private final class IdleConnection: Sendable {
  private let socket: FileDescriptor

  init(to store: String) throws {
    socket = FileDescriptor(owning: Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC | O_NONBLOCK, 0))
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: "\(store)/socket".utf8) }
    let descriptor = socket.rawValue
    // Where the queue is full it stays unconnected, as one that has given up.
    for _ in 0..<20 {
      let result = withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
        }
      }
      if result == 0 { break }
      try #require(Errno.last == .wouldBlock)
      usleep(10_000)
    }
  }

  func send(_ text: String) { _ = Glibc.send(socket.rawValue, text, text.utf8.count, Int32(MSG_NOSIGNAL)) }

  /// Whether the daemon closes it within so many milliseconds.
  func isClosed(within milliseconds: Int32) -> Bool {
    var event = pollfd(fd: socket.rawValue, events: Int16(POLLIN), revents: 0)
    return poll(&event, 1, milliseconds) > 0 && Int32(event.revents) & POLLHUP != 0
  }
}
