import Glibc
import TestSupport
import Testing

/// A store that cannot be written to can be read.
@Suite(.enabled(if: geteuid() == 0, "it needs root"), .serialized)
struct ReadOnlyStoreTests {
  private let directory = TemporaryDirectory()
  private let store: TineStore

  init() throws {
    store = TineStore()
    let made = shell(
      """
      mkdir -p \(directory.path)/tree/d \(directory.path)/media && echo one > \(directory.path)/tree/d/a &&
        \(store.command("init")) && \(store.command("import prod \(directory.path)/tree")) &&
        \(store.command("snapshot prod s")) && \(store.command("fork prod try"))
      """)
    try #require(made.code == 0, "\(made.output)")
  }

  private func expectToBeReadable(_ tine: (String) -> (code: Int32, output: String)) {
    let out = directory.appending("out")
    for commandLine in [
      "list", "show prod", "log prod", "diff prod try", "diff prod@s prod --patch", "check", "export prod@s \(out)",
    ] {
      let result = tine(commandLine)
      #expect(result.code == 0, "\(commandLine): \(result.output)")
    }
    #expect(shell("cat \(out)/d/a; rm -r \(out)").output == "one\n")
    for commandLine in ["fork prod f", "snapshot prod t", "drop try", "gc", "fork --empty e"] {
      let result = tine(commandLine)
      #expect(result.code == 7 && result.output.contains("is read-only"), "\(commandLine): \(result.output)")
    }
    #expect(tine("list").output.contains("try"))
  }

  @Test func onAReadOnlyMount() throws {
    let media = TineStore(at: directory.appending("media"))
    let mounted = shell(
      "mount --bind \(store.path) \(media.path) && mount -o remount,bind,ro \(media.path)")
    try #require(mounted.code == 0, "\(mounted.output)")
    defer { shell("umount \(media.path)") }
    expectToBeReadable { media.tine($0) }
    let repair = media.tine("check --repair")
    #expect(repair.code == 7 && repair.output.contains("is read-only"), "\(repair.output)")
  }

  /// What its owner left behind without closing it is recovered in memory, each time.
  @Test(.enabled(if: TineStore.canMount, "it needs /dev/fuse"))
  func whereItWasNotClosed() throws {
    let mount = store.mount("prod")
    try #require(shell("echo two > \(mount)/b && sync \(mount)/b").code == 0)
    store.killDaemon()
    let media = TineStore(at: directory.appending("media"))
    let mounted = shell(
      """
      umount -l \(mount); rm \(store.path)/lock
      mount --bind \(store.path) \(media.path) && mount -o remount,bind,ro \(media.path)
      """)
    try #require(mounted.code == 0, "\(mounted.output)")
    defer { shell("umount \(media.path)") }
    let files = "cd \(store.path) && find ledger index manifest format -type f | sort | xargs sha256sum"
    let before = shell(files).output
    expectToBeReadable { media.tine($0) }
    #expect(media.tine("diff prod try").output.contains("b"))
    #expect(shell(files).output == before)
  }

  @Test func ofSomebodyWhoMayNotWriteThere() throws {
    let programs = directory.appending("bin")
    let prepared = shell(
      """
      chmod 755 \(directory.path) && chmod 777 \(directory.path) && mkdir \(programs) &&
        cp $(dirname '\(TineStore.daemon)')/tine \(programs) && chown -R 65534:65534 \(store.path) && chmod a-w \(store.path)
      """)
    try #require(prepared.code == 0, "\(prepared.output)")
    expectToBeReadable { commandLine in
      shell(
        "cd / && setpriv --reuid=65534 --regid=65534 --clear-groups env TINE_STORE=\(store.path) \(programs)/tine \(commandLine)"
      )
    }
    shell("chmod u+w \(store.path) && chown -R 0:0 \(store.path)")
  }

  // MARK: Mounts

  /// The store, bound read-only at another path, as long as `body` runs. What `tine` has mounted of it is stopped then.
  private func whileBoundReadOnly(_ body: (TineStore) throws -> Void) throws {
    let media = TineStore(at: directory.appending("media"))
    let mounted = shell("mount --bind \(store.path) \(media.path) && mount -o remount,bind,ro \(media.path)")
    try #require(mounted.code == 0, "\(mounted.output)")
    defer {
      media.tine("stop --force")
      shell("umount -l \(media.path); rm -rf \(runtimeDirectory)")
    }
    try body(media)
  }

  /// `/run/user/0` is there only while root has logged in.
  private var runtimeDirectory: String {
    shell(
      """
      test -O /run/user/0 && base=/run/user/0/tine || base=/tmp/tine-0
      printf %s $(stat -c $base/%d-%i \(store.path))
      """
    ).output
  }

  private let files = "find ledger index manifest format -type f | sort | xargs sha256sum"

  private func expectToBeReadOnly(_ mount: String) {
    for command in ["echo x > \(mount)/d/a", "touch \(mount)/new", "rm \(mount)/d/a", "chmod 600 \(mount)/d/a"] {
      let result = shell(command)
      #expect(result.code != 0 && result.output.contains("Read-only file system"), "\(command): \(result.output)")
    }
  }

  @Test(.enabled(if: TineStore.canMount, "it needs /dev/fuse"))
  func forksAndSnapshotsAreMountedReadOnly() throws {
    let before = shell("cd \(store.path) && \(files)").output
    let names = shell("ls -A \(store.path)").output
    try whileBoundReadOnly { media in
      let target = directory.appending("f")
      let answer = media.tine("mount prod \(target) --writeback")
      #expect(answer.code == 0 && answer.output.contains("(read-only)"), "\(answer.output)")
      let snapshot = media.mount("prod@s")
      for mount in [target, snapshot] {
        #expect(shell("diff -r \(directory.path)/tree \(mount)").code == 0)
        expectToBeReadOnly(mount)
      }
      #expect(media.tine("list").output.contains(target))
      #expect(media.tine("show prod").output.contains(target))
      expectToBeReadable { media.tine($0) }
      let imported = media.tine("import new \(directory.path)/tree")
      #expect(imported.code == 7 && imported.output.contains("is read-only"), "\(imported.output)")
      let run = media.tine("run --from prod -- true")
      #expect(run.output.contains("is read-only"), "\(run.output)")
      #expect(media.tine("unmount \(target)").code == 0)
      #expect(shell("test -e \(target)").code != 0)
      #expect(media.tine("stop").output.contains("has ended"))
      #expect(shell("grep -c \(directory.path)/mount- /proc/mounts").output == "0\n")
    }
    #expect(shell("cd \(store.path) && \(files)").output == before)
    #expect(shell("ls -A \(store.path)").output == names)
  }

  @Test(.enabled(if: TineStore.canMount, "it needs /dev/fuse"))
  func mountsGoOnWhereTheWorkerIsKilled() throws {
    // Without the lock file only the runtime directory tells that there is a daemon.
    for hasLock in [true, false] {
      if !hasLock { shell("rm \(store.path)/lock") }
      try whileBoundReadOnly { media in
        let mount = media.mount("try")
        let reader = BackgroundProcess("exec tail -f \(mount)/d/a")
        media.killWorker()
        #expect(shell("cat \(mount)/d/a").output == "one\n")
        #expect(media.tine("list").output.contains(mount))
        expectToBeReadOnly(mount)
        media.killWorker()
        #expect(media.tine("stop").output.contains("is in use"))
        reader.end()
        media.killWorker()
        #expect(media.tine("stop").output.contains("has ended"))
      }
    }
  }

  /// An import that was cut off, and records after the last checkpoint, are put in order in memory, by each worker anew.
  @Test(.enabled(if: TineStore.canMount, "it needs /dev/fuse"))
  func aStoreThatWasNotClosedIsMounted() throws {
    let written = store.mount("prod")
    try #require(shell("echo two > \(written)/b && sync \(written)/b").code == 0)
    store.killDaemon()
    let cut = shell(
      """
      umount -l \(written); cd \(store.path)
      \(store.command("import unfinished /usr/lib")) & until grep -q unfinished ledger/*; do :; done; kill -KILL $!; wait
      """)
    try #require(!store.tine("list").output.contains("unfinished"), "\(cut.output)")
    let before = shell("cd \(store.path) && \(files)").output
    try whileBoundReadOnly { media in
      let mount = media.mount("prod")
      #expect(shell("cat \(mount)/b").output == "two\n")
      expectToBeReadOnly(mount)
      media.killWorker()
      // The kernel knows the content, so it is the next worker that is asked first.
      #expect(media.tine("list").output.contains(mount))
      #expect(shell("cat \(mount)/b").output == "two\n")
    }
    #expect(shell("cd \(store.path) && \(files)").output == before)
  }

  /// Whoever finds the store writable meets the daemon that reads it, also while another worker of it takes over, and writes nothing.
  @Test(.enabled(if: TineStore.canMount, "it needs /dev/fuse"))
  func itIsNotWrittenToWhileItsDaemonReadsIt() throws {
    shell("rm \(store.path)/lock")
    try whileBoundReadOnly { media in
      let mount = media.mount("prod@s")
      for kills in [false, true] {
        if kills { media.killWorker() }
        let refused = store.tine("fork prod f")
        #expect(refused.code == 7 && refused.output.contains("tine stop"), "\(refused.output)")
      }
      #expect(store.tine("list").output.contains(mount))
      #expect(store.tine("stop").code == 0)
    }
    #expect(store.tine("fork prod f").code == 0)
    #expect(shell("echo x > \(store.mount("f"))/d/a").code == 0)
    // And the daemon that writes to it answers where it cannot be written to.
    try whileBoundReadOnly { media in
      #expect(media.tine("list").output.contains("mount-f"))
      #expect(media.tine("snapshot f t").code == 0)
    }
  }

  @Test(.enabled(if: TineStore.canMount, "it needs /dev/fuse"))
  func whatADaemonWasKilledWithIsClearedAway() throws {
    try whileBoundReadOnly { media in
      let mount = media.mount("prod")
      media.killDaemon()
      #expect(shell("cat \(mount)/d/a").code != 0)
      #expect(media.tine("unmount --all").output.contains(mount))
      #expect(shell("cat \(media.mount("prod"))/d/a").output == "one\n")
    }
  }

  /// Anybody can make a directory in /tmp, and a link there can lead anywhere.
  @Test(.enabled(if: TineStore.canMount, "it needs /dev/fuse"))
  func aRuntimeDirectoryOfSomebodyElseIsNotUsed() throws {
    let place = runtimeDirectory
    let target = directory.appending("target")
    try whileBoundReadOnly { media in
      for made in [
        "mkdir -m 700 \(place) && chown 65534 \(place)", "mkdir -m 755 \(place)", "ln -s \(directory.path) \(place)",
        "touch \(place)",
      ] {
        shell("mkdir -p -m 700 $(dirname \(place)); rm -rf \(place); \(made)")
        let refused = media.tine("mount prod \(target)")
        #expect(refused.code == 4 && refused.output.contains(place), "\(made): \(refused.output)")
        #expect(media.tine("list").code == 0)
        #expect(shell("ls \(directory.path)").output == "media\ntree\n")
      }
      shell("rm -rf \(place)")
      #expect(media.tine("mount prod \(target)").code == 0)
      #expect(shell("ls \(place)").output == "daemon.log\nmounts.json\nsession\nsocket\n")
      #expect(media.tine("stop").code == 0)
      #expect(shell("ls \(place)").output == "daemon.log\n")
    }
  }

  /// Readers do not wait for each other, and a writer waits for them.
  @Test func readersAtOnce() throws {
    let lock = BackgroundProcess("exec flock --shared \(store.path)/lock sleep 1000")
    shell("until ! flock --nonblock \(store.path)/lock true; do sleep 0.01; done")
    #expect(store.tine("list").code == 0)
    #expect(store.tine("check").code == 0)
    let refused = store.tine("fork prod f")
    #expect(refused.code == 5, "\(refused.output)")
    lock.end()
    #expect(store.tine("fork prod f").code == 0)
  }
}
