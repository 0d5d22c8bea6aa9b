import CoherenceSupport
import Glibc
import PosixCalls
import SystemIO
import TestSupport
import Testing

/// The daemon's worker is killed at random moments under programs that use a mount: no call fails, and each happens once.
@Suite(.enabled(if: TineStore.canMount, "it needs /dev/fuse and root"), .serialized)
struct TakeoverTests {
  private func makeStore() -> (TineStore, mount: Path) {
    let store = TineStore()
    #expect(store.tine("init").code == 0)
    #expect(store.tine("fork --empty prod").code == 0)
    return (store, Path(store.mount("prod")))
  }

  /// Runs the work on some threads again and again while the worker is killed, and returns how often each thread ran it.
  private func rounds(
    _ store: TineStore, threads: Int,
    killing kill: @escaping @Sendable (TineStore) -> Void = { $0.killWorkers(1) },
    _ work: @escaping @Sendable (_ thread: Int, _ round: Int) throws -> Void
  ) throws -> [Int] {
    let state = Monitor((isOver: false, rounds: [Int](repeating: 0, count: threads)))
    try onThreads(threads + 1) { thread in
      defer { state.notifyAll { $0.isOver = true } }
      if thread == threads {
        for _ in 0..<killCount(otherwise: 10) where !state.withLock({ $0.isOver }) { kill(store) }
        return
      }
      while !state.withLock({ $0.isOver }) {
        try work(thread, state.withLock { $0.rounds[thread] })
        state.notifyAll { $0.rounds[thread] += 1 }
      }
    }
    return state.withLock { $0.rounds }
  }

  /// A remount shows what the store has, whatever the kernel believes.
  private func remount(_ store: TineStore, _ mount: Path) {
    let unmounted = store.tine("unmount prod")
    #expect(unmounted.code == 0, "\(unmounted.output)")
    _ = store.mount("prod")
    let check = store.tine("check")
    #expect(check.code == 0, "\(check.output)")
  }

  @Test(.enabled(if: shell("which strace").code == 0, "it needs strace"))
  func eachChangeOfNamesHappensOnce() throws {
    let (store, mount) = makeStore()
    let rounds = try rounds(
      store, threads: 3, killing: { $0.killWorkerBeforeAnswer(Int.random(in: 1...40)) }
    ) { thread, round in try changeNames(in: mount / Path("\(thread)-\(round)")) }
    remount(store, mount)
    for (thread, count) in rounds.enumerated() {
      #expect(count > 0)
      for round in 0..<count {
        try expectChanged(mount / Path("\(thread)-\(round)"), "thread \(thread), round \(round)")
      }
    }
  }

  private func changeNames(in directory: Path) throws {
    try directory.makeDirectory()
    for name in ["a", "b", "c"] as [Path] {
      let file = try (directory / name).create(O_EXCL)
      _ = try file.write(name.bytes)
    }
    try (directory / "a").rename(to: directory / "b", .exchange)
    try (directory / "c").rename(to: directory / "d", .whiteout)
    try (directory / "a").link(to: directory / "e")
    try (directory / "a").link(to: directory / "f")
    try (directory / "f").unlink()
    try (directory / "s").makeSymbolicLink(to: "target")
    try (directory / "a").setAttribute("user.kept", to: [1], .create)
    try (directory / "a").setAttribute("user.gone", to: [2], .create)
    try (directory / "a").removeAttribute("user.gone")
    try (directory / "sub").makeDirectory()
    try (directory / "sub").rename(to: directory / "moved", .noReplace)
    try (directory / "moved").removeDirectory()
    try (directory / "b").rename(to: directory / "g")
    try (directory / "n").makeNode(mode: S_IFIFO | 0o600)
    _ = try directory.open(O_RDWR | OpenFlag.temporary)
  }

  private func expectChanged(_ directory: Path, _ comment: Comment) throws {
    #expect(try (directory / "a").content() == Array("b".utf8), comment)
    #expect(try (directory / "g").content() == Array("a".utf8), comment)
    #expect(try (directory / "d").content() == Array("c".utf8), comment)
    #expect(try (directory / "c").status().kind == S_IFCHR, comment)
    #expect(try (directory / "e").status().inode == (directory / "a").status().inode, comment)
    #expect(try (directory / "a").status().links == 2, comment)
    #expect(try (directory / "a").attributeNames() == ["user.kept"], comment)
    #expect(try (directory / "n").status().kind == S_IFIFO, comment)
    #expect(try directory.status().links == 2, comment)
    let names = shell("ls '\(directory)'").output.split(separator: "\n")
    #expect(names == ["a", "c", "d", "e", "g", "n", "s"], comment)
  }

  /// What is open, mapped, appended to and without a name goes on; and what has no name goes when it is closed.
  @Test func openFilesGoOn() throws {
    let (store, mount) = makeStore()
    let mapped = try (mount / "mapped").create()
    try mapped.truncate(to: 4096 * 3)
    let mapping = try Mapping(mapped, count: 4096 * 3)
    let counts = try withUnlinkedFiles(3, in: mount) { files in
      try rounds(store, threads: 3) { thread, round in
        let line = Array("\(thread) \(round)\n".utf8)
        _ = try files[thread].write(line, at: 8000)
        #expect(try files[thread].read(line.count, at: 8000) == line)
        #expect(try files[thread].status().links == 0)
        mapping[thread * 4096 + round % 4096] = UInt8(truncatingIfNeeded: round)
        try mapping.synchronize()
        let log = try (mount / "log").open(O_WRONLY | O_CREAT | O_APPEND)
        _ = try log.write(line)
        try log.synchronizeData()
      }
    }
    let held = shell(
      "for _ in $(seq 200); do \(store.command("show prod")) | grep '^holds *3 entries' && exit; sleep 0.05; done; exit 1"
    )
    #expect(held.code == 0, "files without a name are left: \(store.tine("show prod").output)")
    let memory = mapping[0..<4096 * 3]
    try expectWhole(store, mount, memory, counts)
  }

  /// Requests that were sent again change nothing that was written meanwhile, and leave nothing stale.
  @Test(arguments: ["", "--writeback"])
  func whatIsCachedAndWhatIsStoredStayTheSame(options: String) throws {
    let store = TineStore()
    #expect(store.tine("init").code == 0)
    #expect(store.tine("fork --empty prod").code == 0)
    let mount = Path(store.mount("prod", options))
    let load = try MixedLoad(mount / "file")
    let counts = try rounds(store, threads: 1) { _, _ in
      try load.runRound()
      try #require(try load.differences() == [])
      try #require(try load.differencesAfterStores() == [])
    }
    #expect(counts[0] > 0)
    #expect(store.tine("snapshot prod end").code == 0)
    #expect(try load.differences(in: Path(store.mount("prod@end")) / "file") == [])
  }

  /// A worker that takes a fork asks its own mount for something. Killed meanwhile it cannot end before it has its answer, which only
  /// another worker gives: all stood still for good.
  @Test func mountsGoOnWhereWorkersAreKilledThatFork() {
    let (store, mount) = makeStore()
    let writer = BackgroundProcess("while :; do dd if=/dev/zero of='\(mount)/x' bs=1M count=8; done")
    let forks = BackgroundProcess(
      "i=0; while :; do i=$((i+1)); \(store.command("fork prod f$i")); done")
    store.killWorkers(killCount(otherwise: 20))
    let answered = shell("timeout 30 ls '\(mount)'")
    #expect(answered.code == 0, "\(store.tine("list").output)")
    forks.end()
    writer.end()
    let check = store.tine("check")
    #expect(check.code == 0, "\(check.output)")
  }

  /// A disk that has lost what was answered must not be vouched for by a worker that knows nothing of it.
  @Test func mountsEndWhereTheDiskHasLostWhatWasAnswered() {
    let (store, mount) = makeStore()
    #expect(shell("echo kept > '\(mount)/kept' && sync '\(mount)/kept'").code == 0)
    let ledger = "\(store.path)/ledger"
    shell("cp -r '\(ledger)' '\(store.directory.path)/saved'")
    let user = BackgroundProcess("exec 5> '\(mount)/lost'; echo lost >&5; exec sleep 1000")
    shell("until [ -s '\(mount)/lost' ]; do sleep 0.01; done")
    let lost = shell(
      """
      supervisor=$(pgrep -f -- '[-]-store \(store.path) --linger')
      worker=$(pgrep -f -- '[-]-store \(store.path) --worker')
      kill -STOP $supervisor; kill -KILL $worker
      until grep -q '^State:.Z' /proc/$worker/status; do sleep 0.01; done
      cp '\(store.directory.path)'/saved/* '\(ledger)'; kill -CONT $supervisor
      """)
    #expect(lost.code == 0, "\(lost.output)")
    let gone = shell("timeout 30 sh -c 'while cat \(mount)/kept; do sleep 0.01; done'")
    #expect(gone.code == 0)
    #expect(shell("grep 'the disk has lost . records' '\(store.path)/daemon.log'").code == 0)
    user.end()
    #expect(store.mount("prod") == mount.description)
    #expect(shell("ls '\(mount)'; cat '\(mount)/kept'").output == "kept\nkept\n")
    store.killWorker()
    #expect(shell("cat '\(mount)/kept'").output == "kept\n", "the next takeover misses nothing")
    let check = store.tine("check")
    #expect(check.code == 0, "\(check.output)")
  }

  /// A daemon ends by itself where nobody uses it, and a mount off its directory may still be used.
  @Test func aDaemonStaysForThoseWhoStillUseWhatWasTakenAway() {
    let store = TineStore()
    #expect(store.tine("init").code == 0)
    #expect(store.tine("fork --empty prod").code == 0)
    let daemon = BackgroundProcess("exec '\(TineStore.daemon)' --store '\(store.path)' --linger 1")
    shell("until [ -S '\(store.path)/socket' ]; do sleep 0.01; done")
    let mount = store.mount("prod")
    let user = BackgroundProcess("cd '\(mount)' && exec 5> held && while :; do echo more >&5 || exit; sleep 0.1; done")
    shell("until [ -s '\(mount)/held' ]; do sleep 0.01; done")
    #expect(store.tine("unmount --lazy prod").code == 0)
    let idle = shell("timeout 4 tail --pid=$(pgrep -f -- '[-]-store \(store.path) --linger') -f /dev/null")
    #expect(idle.code == 124, "the daemon ended under its user")
    user.end()
    daemon.wait()
  }

  /// What ends a daemon may be killed while it takes the mounts away: another worker does it then.
  @Test func aDaemonThatIsKilledWhileItEndsEndsInOrder() {
    let (store, mount) = makeStore()
    for _ in 0..<5 {
      let killed = shell(
        """
        worker=$(pgrep -f -- '[-]-store \(store.path) --worker')
        supervisor=$(pgrep -f -- '[-]-store \(store.path) --linger')
        dd if=/dev/zero of='\(mount)/x' bs=1M count=8; kill -TERM $supervisor
        sleep 0.0$(shuf -i 0-9 -n 1); kill -KILL $worker
        timeout 30 tail --pid=$supervisor -f /dev/null
        """)
      #expect(killed.code == 0, "\(killed.output)")
      #expect(shell("grep -F '\(mount)' /proc/mounts").output == "", "what was mounted is taken away")
      #expect(store.mount("prod") == mount.description)
    }
  }

  /// Without its supervisor a worker goes on, until it ends as well; then the mount is made again.
  @Test func aWorkerGoesOnWithoutItsSupervisor() {
    let (store, mount) = makeStore()
    let file = BackgroundProcess("exec 5> '\(mount)/held'; echo one >&5; exec sleep 1000")
    shell("until [ -s '\(mount)/held' ]; do sleep 0.01; done")
    store.killSupervisor()
    let noticed = "grep 'the supervisor has ended' '\(store.path)/daemon.log'"
    #expect(shell("timeout 30 sh -c \"until \(noticed); do sleep 0.01; done\"").code == 0)
    #expect(shell("echo two > '\(mount)/b' && cat '\(mount)/held' '\(mount)/b'").output == "one\ntwo\n")
    #expect(store.tine("upgrade").output.contains("the mounts of this daemon would end with it"))
    store.killDaemon()
    #expect(shell("cat '\(mount)/b'").output.contains("not connected"))
    file.end()
    #expect(store.mount("prod") == mount.description)
    #expect(shell("cat '\(mount)/held' '\(mount)/b'").output == "one\ntwo\n")
  }

  /// A program that is put in place and only hangs keeps those who use a mount waiting for a while, and not for good.
  @Test func aProgramThatNeverServesIsGivenUp() {
    let (store, mount) = makeStore()
    let program = store.directory.appending("tined")
    shell(
      """
      printf '#!/bin/sh\n[ "$1" = --handshake ] || exec sleep 1000\nexec %s "$@"' '\(TineStore.daemon)' > '\(program)'
      chmod +x '\(program)'
      curl -s --unix-socket '\(store.path)/socket' http://tine/v1/upgrade -d '{"program": "\(program)"}'
      """)
    let written = shell("timeout 60 sh -c 'echo one > \(mount)/a && cat \(mount)/a'")
    #expect(written.output == "one\n")
    #expect(shell("grep -F '\(program) does not serve' '\(store.path)/daemon.log'").code == 0)
  }

  /// A namespace of mounts keeps a mount alive that was taken off its directory. The worker that was told of it may be dead.
  @Test func whatWasTakenOffItsDirectoryIsNotListed() {
    let (store, mount) = makeStore()
    let holder = BackgroundProcess("unshare --mount sh -c 'cd \(mount) && touch held && exec sleep 1000'")
    let unmounted = shell("until [ -e '\(mount)/held' ]; do sleep 0.01; done; umount '\(mount)'")
    #expect(unmounted.code == 0, "\(unmounted.output)")
    store.killWorker()
    #expect(!store.tine("list").output.contains(mount.description))
    let again = store.tine("mount prod '\(mount)'")
    #expect(again.output.contains("prod was unmounted, but somebody still uses it"))
    holder.end()
    let mounted = shell("until \(store.command("mount prod '\(mount)'")); do sleep 0.01; done; ls '\(mount)'")
    #expect(mounted.output.contains("held"))
  }

  /// Calls `body` with files that have no name, and closes them.
  private func withUnlinkedFiles<Result>(
    _ count: Int, in directory: Path, _ body: ([OpenFile]) throws -> Result
  ) throws -> Result {
    let files = try (0..<count).map { index in
      let path = directory / Path("unlinked-\(index)")
      let file = try path.create(O_EXCL)
      try path.unlink()
      return file
    }
    return try body(files)
  }

  private func expectWhole(_ store: TineStore, _ mount: Path, _ memory: [UInt8], _ counts: [Int]) throws {
    let lines = shell("cat '\(mount)/log'").output.split(separator: "\n").map(String.init).sorted()
    let expected = counts.enumerated().flatMap { thread, count in (0..<count).map { "\(thread) \($0)" } }
    #expect(lines == expected.sorted())
    #expect(try (mount / "mapped").content() == memory)
    let check = store.tine("check")
    #expect(check.code == 0, "\(check.output)")
  }
}
