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
    for commandLine in ["fork prod f", "snapshot prod t", "drop try", "gc", "fork --empty e", "check --repair"] {
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
