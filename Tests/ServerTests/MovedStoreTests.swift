import Glibc
import TestSupport
import Testing

/// A daemon has its store's directory open, so what happens to the path by which it was found is no matter.
@Suite(.enabled(if: TineStore.canMount, "it needs /dev/fuse and root"), .serialized)
struct MovedStoreTests {
  private let directory = TemporaryDirectory()
  private let store: TineStore
  private let mount: String

  init() throws {
    try #require(chmod(directory.path, 0o755) == 0 && mkdir(directory.appending("project"), 0o755) == 0)
    store = TineStore(at: directory.appending("project/store"))
    try #require(store.tine("init").code == 0 && store.tine("fork --empty prod").code == 0)
    mount = store.mount("prod")
  }

  /// More than a segment, so that a new one is begun, and a flush of its name.
  private func expectToGoOn(_ name: String) {
    let written = shell(
      "cd \(mount) && dd if=/dev/urandom of=\(name) bs=1M count=70 conv=fsync && cp \(name) copy && sync")
    #expect(written.code == 0, "\(written.output)")
    #expect(shell("cmp \(mount)/\(name) \(mount)/copy && rm \(mount)/copy").code == 0)
  }

  private func expect(_ store: TineStore, _ commandLine: String) {
    let result = store.tine(commandLine)
    #expect(result.code == 0, "\(commandLine): \(result.output)")
  }

  @Test func aDirectoryAboveIsRenamed() throws {
    try #require(shell("mv \(directory.path)/project \(directory.path)/moved").code == 0)
    let moved = TineStore(at: directory.appending("moved/store"))
    expectToGoOn("before")
    moved.killWorkerServing(store.path)
    expectToGoOn("after")
    expect(moved, "upgrade")
    expectToGoOn("upgraded")
    expect(moved, "fork prod try")
    expect(moved, "run --from prod -- sh -c 'cmp before before && echo hello > in-fork'")
    let other = moved.mount("try")
    #expect(shell("cmp \(mount)/after \(other)/after").code == 0)
    expect(moved, "gc")
    expect(moved, "stop")
    expect(moved, "check")
    #expect(shell("test -s \(moved.path)/daemon.log && ! test -e \(directory.path)/project").code == 0)
  }

  @Test func theStoreItselfIsRenamed() throws {
    try #require(shell("mv \(store.path) \(directory.path)/moved").code == 0)
    expectToGoOn("file")
    let moved = TineStore(at: directory.appending("moved"))
    expect(moved, "unmount prod")
    expect(moved, "stop")
    expect(moved, "check")
  }

  @Test func aMountHidesIt() throws {
    try #require(shell("mount -t tmpfs none \(directory.path)/project").code == 0)
    expectToGoOn("file")
    store.killWorkerServing(store.path)
    expectToGoOn("again")
    try #require(shell("umount \(directory.path)/project").code == 0)
    expect(store, "fork prod try")
    expect(store, "stop")
    expect(store, "check")
  }

  /// What is open can still be read, what needs the store's files is an error that says so, and the daemon goes on.
  @Test func itIsRemoved() throws {
    try #require(shell("echo kept > \(mount)/kept; rm -rf \(store.path)").code == 0)
    #expect(shell("cat \(mount)/kept").output == "kept\n")
    let written = shell("dd if=/dev/urandom of=\(mount)/file bs=1M count=70 conv=fsync")
    #expect(written.code != 0 && written.output.contains("Input/output error"), "\(written.output)")
    #expect(shell("cat \(mount)/kept").output == "kept\n")
    #expect(store.tine("list").output.contains("there is no store at \(store.path)"))
    #expect(shell("umount \(mount)").code == 0)
  }
}
