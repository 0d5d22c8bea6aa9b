import Glibc

/// A store with its daemon and mounts, driven through the programs that people use. When it goes, the daemon is
/// stopped, whatever is still mounted is taken off, and everything is removed.
public final class TineStore: Sendable {
  public let directory = TemporaryDirectory()
  public let path: String

  /// Whether forks can be mounted here; tests that cannot are skipped.
  public static let canMount = access("/dev/fuse", R_OK | W_OK) == 0 && geteuid() == 0

  /// - Parameter path: where the store is to be made; nil for a place of its own.
  public init(at path: String? = nil) {
    self.path = path ?? directory.appending("store")
    // Servers that do not run as root walk through it.
    precondition(chmod(directory.path, 0o755) == 0, "the temporary directory is not ours")
  }

  deinit {
    tine("stop --force")
    shell("grep -o '\(directory.path)/[^ ]*' /proc/mounts | sort -r | xargs -r -n 1 umount -l")
  }

  /// The folder in which the build puts programs and tests.
  private static func program(_ name: String) -> String {
    var buffer = [UInt8](repeating: 0, count: 4096)
    let length = readlink("/proc/self/exe", &buffer, buffer.count)
    let path = String(decoding: buffer.prefix(max(0, length)), as: UTF8.self)
    return path[..<(path.lastIndex(of: "/") ?? path.startIndex)] + "/" + name
  }

  /// Runs `tine` with a command line on this store.
  @discardableResult
  public func tine(_ commandLine: String) -> (code: Int32, output: String) { shell(command(commandLine)) }

  /// The same for a shell to run.
  public func command(_ commandLine: String) -> String {
    "TINE_STORE='\(path)' '\(Self.program("tine"))' \(commandLine)"
  }

  /// Runs commands of a document, in which `/srv` and `/tmp` stand for the store's own directory, until one fails. What they start may
  /// go on.
  public func run(commandsOf document: String) -> (code: Int32, output: String) {
    let script = directory.appending("script")
    let mark = "\u{1}"
    let commands = document.replacing("/srv", with: mark).replacing("/tmp", with: mark)
      .replacing(mark, with: directory.path)
    let programs = Self.program("")
    guard let file = fopen(script, "w") else { return (-1, "no script can be written") }
    fputs(
      "set -euo pipefail\nexport TINE_STORE='\(path)' PATH='\(programs)':$PATH\ncd '\(directory.path)'\n" + commands,
      file)
    fclose(file)
    let result = shell("bash '\(script)' < /dev/null > '\(script).output' 2>&1")
    return (result.code, shell("cat '\(script).output'").output)
  }

  /// The daemon's program.
  public static var daemon: String { program("tined") }

  /// Mounts a fork or snapshot in a directory of its own, and returns that.
  public func mount(_ reference: String, _ options: String = "") -> String {
    let target = directory.appending("mount-" + reference.map { $0 == "@" ? "-" : String($0) }.joined())
    shell("mkdir -p '\(target)'")
    let mounted = tine("mount \(reference) '\(target)' \(options)")
    precondition(mounted.code == 0, "tine mount \(reference): \(mounted.output)")
    return target
  }

  /// Kills the daemon as a crash would: its supervisor too, so that nobody takes over.
  public func killDaemon() { kill("[-]-store \(path)") }

  /// Kills the daemon's supervisor alone: nobody takes over from its worker any more.
  public func killSupervisor() { kill("[-]-store \(path) --linger") }

  /// Kills the daemon's worker as a crash would. Another one takes over.
  public func killWorker() { killWorkerServing(path) }

  /// The same, of a daemon that was started when the store had this path.
  public func killWorkerServing(_ path: String) { kill("[-]-store \(path) --worker", of: path) }

  /// Kills workers at random moments, a few a second.
  public func killWorkers(_ count: Int) {
    for _ in 0..<count {
      usleep(UInt32.random(in: 0..<500_000))
      killWorker()
    }
  }

  /// Kills the daemon's worker as it is about to send an answer to the kernel (writev(2)): the `number`-th from here on, so that what
  /// it answers has happened. Where it has nothing to answer for long, it is killed all the same.
  public func killWorkerBeforeAnswer(_ number: Int) {
    let killed = shell(
      """
      until worker=$(pgrep -f -- '[-]-store \(path) --worker'); do sleep 0.002; done
      timeout 5 strace -f -qq -o /dev/null -e trace=writev -e inject=writev:signal=KILL:when=\(number) -p $worker
      kill -KILL $worker; while kill -0 $worker; do sleep 0.002; done
      """)
    precondition(killed.code == 0, "the worker was not killed: \(killed.code) \(killed.output)")
  }

  /// They are waited for by their numbers: what is ending has no command line any more.
  private func kill(_ pattern: String, of path: String? = nil) {
    let path = path ?? self.path
    let killed = shell(
      """
      until all=$(pgrep -f -- '\(pattern)'); do kill -0 $(pgrep -f -- '[-]-store \(path)') || exit 1; done
      kill -KILL $all; for process in $all; do while kill -0 $process; do sleep 0.002; done; done
      """)
    precondition(killed.code == 0, "there was no daemon to kill: \(killed.output)")
  }
}

/// A process that runs beside a test, and is ended with its group when it goes.
public final class BackgroundProcess: Sendable {
  private let group: Int32

  /// Runs a command line in a shell and a process group of its own.
  public init(_ command: String) {
    let pidFile = TemporaryDirectory()
    shell(
      "setsid sh -c 'echo $$ > \(pidFile.path)/pid; exec sh -c \"$0\"' '\(command.quotedForShell)' >/dev/null 2>&1 </dev/null &"
    )
    let pid = shell("while ! [ -s '\(pidFile.path)/pid' ]; do :; done; cat '\(pidFile.path)/pid'").output
    group = Int32(pid.split(separator: "\n").first ?? "") ?? 0
    precondition(group > 1, "the process did not start")
  }

  deinit { end() }

  /// Ends the process and all it started, and waits until they are gone.
  public func end() {
    kill(-group, SIGKILL)
    shell("while pgrep -g \(group) >/dev/null; do :; done")
  }

  /// Waits until it ends by itself.
  public func wait() { shell("while pgrep -g \(group) >/dev/null; do sleep 0.05; done") }
}

extension String {
  fileprivate var quotedForShell: String {
    split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''")
  }
}
