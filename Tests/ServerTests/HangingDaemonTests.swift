import TestSupport
import Testing

/// A worker that is stopped, or hangs, is named, and keeps nobody waiting without a word.
@Suite(.enabled(if: TineStore.canMount, "it needs /dev/fuse and root"), .serialized)
struct HangingDaemonTests {
  private let store = TineStore()

  init() {
    #expect(store.tine("init").code == 0)
    #expect(store.tine("fork --empty prod").code == 0)
    _ = store.mount("prod")
  }

  private var worker: String { "$(pgrep -f -- '[-]-store \(store.path) --worker')" }

  private func awaitLog(_ text: String) {
    let found = shell("timeout 60 sh -c \"until grep '\(text)' '\(store.path)/daemon.log'; do sleep 0.1; done\"")
    #expect(found.code == 0, "\(text): \(shell("cat '\(store.path)/daemon.log'").output)")
  }

  @Test func aStoppedWorkerIsNamedAndGoesOn() {
    #expect(shell("kill -STOP \(worker)").code == 0)
    let interrupted = shell("timeout -s INT -k 5 2 env \(store.command("run --from prod -- true"))")
    #expect(interrupted.code == 124, "Ctrl-C ends the wait: \(interrupted.output)")
    let listed = shell("timeout 90 env \(store.command("list"))")
    #expect(listed.code == 1)
    #expect(
      listed.output.contains(
        "(process \(shell("echo \(worker)").output.prefix { $0 != "\n" })) has not answered for 10 s\n"))
    #expect(listed.output.contains("error: the daemon"))
    awaitLog("(process .*, t (stopped)) has given no sign of life")
    #expect(shell("kill -CONT \(worker)").code == 0)
    #expect(store.tine("list").code == 0)
    awaitLog("the worker answers again")
  }

  /// Work that takes long is not taken for a worker that hangs.
  @Test func aRequestThatTakesLongIsWaitedFor() {
    let other = TineStore()
    #expect(other.tine("init").code == 0)
    #expect(other.tine("fork --empty slow").code == 0)
    let source = other.mount("slow")
    let stopped = "$(pgrep -f -- '[-]-store \(other.path) --worker')"
    #expect(shell("kill -STOP \(stopped); (sleep 45; kill -CONT \(stopped)) > /dev/null 2>&1 &").code == 0)
    let imported = store.tine("import copy '\(source)'")
    #expect(imported.code == 0, "\(imported.output)")
    #expect(imported.output.contains("is still at work on this after 10 s"))
  }
}
