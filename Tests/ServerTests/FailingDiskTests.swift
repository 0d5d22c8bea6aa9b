import TestSupport
import Testing

/// A store whose disk fails under a mount: libfiu stands between the daemon and its system calls.
@Suite(
  .enabled(if: TineStore.canMount, "it needs /dev/fuse and root"),
  .enabled(if: shell("which fiu-run fiu-ctrl sqlite3 curl").code == 0, "it needs libfiu, curl and SQLite"), .serialized)
struct FailingDiskTests {
  private let store = TineStore()
  private let mount: String

  /// The supervisor starts processes, which libfiu does not bear; so a worker with it takes over from one without.
  init() {
    #expect(store.tine("init").code == 0)
    #expect(store.tine("fork --empty prod").code == 0)
    mount = store.mount("prod")
    let program = store.directory.appending("tined")
    let replaced = shell(
      """
      printf '#!/bin/sh\nexec fiu-run -x -f %s/fiu %s "$@"' '\(store.directory.path)' '\(TineStore.daemon)' > '\(program)'
      chmod +x '\(program)'
      curl -s --unix-socket '\(store.path)/socket' http://tine/v1/upgrade -d '{"program": "\(program)"}'
      timeout 30 sh -c 'until ls \(store.directory.path)/fiu-*.in; do sleep 0.01; done'
      """)
    #expect(replaced.code == 0, "\(replaced.output)")
    #expect(shell("sqlite3 '\(mount)/db' 'PRAGMA journal_mode=WAL; CREATE TABLE t(id)'").output == "wal\n")
  }

  /// Makes calls of the worker fail, or work again.
  private func tell(_ command: String) {
    let told = shell(
      """
      fiu-ctrl -f '\(store.directory.path)/fiu' -c '\(command)' $(pgrep -f -- '[-]-store \(store.path) --worker')
      """)
    #expect(told.code == 0, "\(told.output)")
  }

  private func insert(_ id: Int) -> (code: Int32, output: String) {
    shell("sqlite3 -bail '\(mount)/db' 'INSERT INTO t VALUES(\(id))'")
  }

  private func query(_ statement: String) -> String {
    shell("sqlite3 '\(mount)/db' '\(statement)'").output.split(separator: "\n").joined(separator: " ")
  }

  /// What was acknowledged is there after a restart, and everything goes on.
  private func expectWholeAfterRestart(rows: ClosedRange<Int>) {
    store.tine("stop --force")
    #expect(store.mount("prod") == mount)
    #expect(query("PRAGMA integrity_check") == "ok")
    #expect(rows.contains(Int(query("SELECT count(*) FROM t")) ?? 0))
    #expect(insert(1000).code == 0)
    let check = store.tine("check")
    #expect(check.code == 0, "\(check.output)")
  }

  /// A flush is never tried again: the kernel may have dropped what it could not write.
  @Test func aFailedFlushStopsAcknowledging() {
    for id in 1...5 { #expect(insert(id).code == 0) }
    #expect(shell("echo kept > '\(mount)/kept'").code == 0)
    tell("enable name=posix/io/sync/fdatasync,failinfo=5")
    #expect(insert(6).code != 0)
    tell("disable name=posix/io/sync/fdatasync")
    #expect(insert(7).code != 0)
    #expect(shell("echo more > '\(mount)/new'").output.contains("Input/output error"))
    #expect(shell("sync '\(mount)/kept'").output.contains("Input/output error"))
    #expect(shell("cat '\(mount)/kept'").output == "kept\n", "reads go on")
    #expect(shell("grep 'the store stopped: Input/output error' '\(store.path)/daemon.log'").code == 0)
    expectWholeAfterRestart(rows: 5...6)
  }

  /// A write that fails is told to its writer, and nobody else: nothing of it is left.
  @Test(arguments: [(5, "Input/output error"), (28, "No space left on device")])
  func aFailedWriteIsTold(errno: Int, message: String) {
    for id in 1...5 { #expect(insert(id).code == 0) }
    #expect(shell("echo kept > '\(mount)/kept'").code == 0)
    tell("enable name=posix/io/rw/pwritev,failinfo=\(errno)")
    #expect(insert(6).code != 0)
    #expect(shell("printf more | dd of='\(mount)/kept' oflag=append conv=notrunc").output.contains(message))
    #expect(shell("mkdir '\(mount)/new'").output.contains(message))
    tell("disable name=posix/io/rw/pwritev")
    #expect(shell("mkdir '\(mount)/new' && cat '\(mount)/kept'").output == "kept\n")
    #expect(insert(6).code == 0)
    expectWholeAfterRestart(rows: 6...6)
  }

  /// Calls that fail now and then, or write a part only: whatever was acknowledged stays.
  @Test func whatIsAcknowledgedAmongFailuresStays() {
    tell("enable_random name=posix/io/rw/pwritev/reduce,probability=0.5")
    tell("enable_random name=posix/io/rw/pwritev,probability=0.1,failinfo=5")
    var acknowledged = 0
    for id in 1...60 where insert(id).code == 0 { acknowledged += 1 }
    tell("disable name=posix/io/rw/pwritev/reduce")
    tell("disable name=posix/io/rw/pwritev")
    #expect(acknowledged > 0)
    #expect(acknowledged < 60, "no call failed")
    expectWholeAfterRestart(rows: acknowledged...60)
  }
}
