import Foundation
import Testing

/// What a daemon has of the process that happened to start it.
@Suite(.enabled(if: canMount, "needs /dev/fuse"))
struct StarterTests {
  private let stage: Stage

  init() throws {
    stage = try Stage()
    try #require(try stage.execute("tine init && tine fork --empty prod && mkdir at").code == 0)
  }

  /// The lines of a script that starts the daemon, and then looks at what `$worker` and `$supervisor` have.
  private func start(_ start: String, look: String) throws -> [String] {
    try stage.run(
      """
      \(start)
      supervisor=$(pgrep -f -- "[-]-store $TINE_STORE --linger"); worker=$(pgrep -f -- "[-]-store $TINE_STORE --worker")
      for process in $supervisor $worker; do \(look); done
      """)
  }

  /// A lock on an open file was never released, and a pipe never ended.
  @Test func filesOfItsStarterAreClosed() throws {
    defer { stage.close() }
    let lines = try stage.run(
      """
      bash -c 'exec 9> lock; flock 9; tine mount prod at'; flock -n lock echo the lock is free
      tine stop; timeout 20 bash -c "bash -c 'exec 55>&1 > mounted; tine mount prod at' | cat"
      """)
    #expect(lines == ["mounted prod at DIR/at", "the lock is free", "the daemon has ended"])
  }

  @Test func filesOfAPersonWhoStartsItAreClosed() throws {
    defer { stage.close() }
    let lines = try start(
      """
      bash -c 'exec 9> held 55< held; tined --store "$TINE_STORE" --linger 100 < /dev/null > log 2>&1 &'
      until [ -S store/socket ]; do sleep 0.01; done
      """,
      look: "ls -l /proc/$process/fd | grep held")
    #expect(lines.filter { $0.contains("held") } == [])
  }

  /// The next file that was opened got the number of an output that was closed, and messages would have been written into it.
  @Test func aClosedOutputIsNoFileOfTheStore() throws {
    defer { stage.close() }
    let lines = try start(
      """
      tined --store "$TINE_STORE" --linger 100 <&- >&- 2>&- &
      until [ -S store/socket ]; do sleep 0.01; done
      """,
      look: "readlink /proc/$process/fd/0 /proc/$process/fd/1 /proc/$process/fd/2")
    #expect(lines == Array(repeating: "/dev/null", count: 6))
    let used = try stage.run(
      "tine stop; mkdir tree; tine import copy tree >&- 2>&-; tine fork no such 2>&-; wc -c < store/lock; tine check")
    #expect(used.contains("0"))
    #expect(used.last?.hasPrefix("all is well") == true, "\(used)")
  }

  @Test func limitsAreRaisedAndSignalsRestored() throws {
    defer { stage.close() }
    let lines = try start(
      """
      bash -c 'ulimit -S -n 300; ulimit -S -f 1000; ulimit -S -t 1000; ulimit -S -v 4000000; ulimit -S -d 4000000; ulimit -S -s 4000
        trap "" HUP CHLD USR1 QUIT; umask 0; exec tine mount prod at'
      """,
      look: """
        awk '/cpu time|Max file size|data size|address space/ && $(NF-2) != $(NF-1) || /open files/ && $4 < 1000' /proc/$process/limits
          awk '/Max stack/ {print $2, $4} /Max core/ {print $2, $5}' /proc/$process/limits
          awk '/Umask/ {print $1, $2} /SigIgn/ {print $1, substr($2, 9) }' /proc/$process/status | sed s/8180/0180/
        """)
    // Held back or ignored are the signals that the daemon itself asks for: SIGPIPE, SIGXCPU and SIGXFSZ.
    let each = ["stack 8388608", "core 0", "Umask: 0077", "SigIgn: 01801000"]
    #expect(lines == ["mounted prod at DIR/at"] + each + each)
  }

  @Test(.enabled(if: geteuid() == 0, "needs root")) func priorityIsThatOfAProcessThatNobodyChanged() throws {
    defer { stage.close() }
    let lines = try start(
      """
      bash -c 'echo 500 > /proc/self/oom_score_adj; exec nice -n 7 ionice -c 3 taskset -c 0 chrt -b 0 tine mount prod at'
      """,
      look:
        "cut -d' ' -f19,41 /proc/$process/stat; ionice -p $process; cat /proc/$process/oom_score_adj; taskset -p $process | sed 's/.*: //'"
    )
    let mask = try stage.run("taskset -p $$ | sed 's/.*: //'")
    let each = ["0 0", "none: prio 0", "0"] + mask
    #expect(lines == ["mounted prod at DIR/at"] + each + each)
  }

  @Test func aLimitThatIsTooLowIsTold() throws {
    defer { stage.close() }
    let without = "setpriv --bounding-set -sys_resource --inh-caps -sys_resource"
    let prefix = geteuid() == 0 ? without : ""
    let lines = try stage.run(
      "\(prefix) bash -c 'ulimit -f 1000; tine mount prod at'; \(prefix) bash -c 'ulimit -n 100; tine mount prod at'; \(prefix) bash -c 'ulimit -t 9; tine mount prod at'; tine mount prod at"
    )
    #expect(
      lines == [
        "error: this process may have 1024000 bytes in a file, and the daemon needs 1073741824 at least",
        "hint: raise the limit ('ulimit -f', as root where it is the hard one) of what starts it",
        "error: this process may have 100 open files, and the daemon needs 128 at least",
        "hint: raise the limit ('ulimit -n', as root where it is the hard one) of what starts it",
        "error: this process may have 9 seconds of processor time, and the daemon can have no such limit",
        "hint: raise the limit ('ulimit -t', as root where it is the hard one) of what starts it",
        "mounted prod at DIR/at",
      ])
  }

  /// A service that ends has its whole control group killed.
  @Test(.enabled(if: TestGroup.isPossible, "needs a hierarchy of control groups that may be changed"))
  func itLeavesTheControlGroup() throws {
    defer { stage.close() }
    let group = TestGroup.directory
    let lines = try start(
      "sh -c 'mkdir -p \(group) && echo 0 > \(group)/cgroup.procs && exec tine mount prod at'",
      look: "grep '^0:' /proc/$process/cgroup")
    #expect(try stage.run("rmdir \(group)") == [], "nobody is in the group any more")
    #expect(lines.first == "mounted prod at DIR/at")
    #expect(!lines.contains { $0.contains("tine-test") }, "\(lines)")
  }
}

/// A control group of version 2 to start a daemon from.
private enum TestGroup {
  private static let root: String = {
    let mounts = (try? String(contentsOfFile: "/proc/mounts", encoding: .utf8)) ?? ""
    let line = mounts.split(separator: "\n").first { $0.split(separator: " ").dropFirst(2).first == "cgroup2" }
    return line.map { String($0.split(separator: " ")[1]) } ?? ""
  }()

  static let directory = "\(root)/tine-test-\(getpid())"

  static let isPossible: Bool = {
    guard !root.isEmpty, mkdir(directory, 0o755) == 0 else { return false }
    defer { rmdir(directory) }
    return access(directory + "/cgroup.procs", W_OK) == 0
  }()
}
