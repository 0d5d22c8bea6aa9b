import FileSystem
import SystemIO
import TestSupport
import Testing

@testable import Store

/// Names of forks and snapshots, and what is refused.
@Suite struct NamesTests {
  private let disk = MemoryStorage()
  private let store: Store

  init() throws {
    store = try makeStore(on: disk)
    _ = try store.makeFork("main")
  }

  private func expect(_ kind: StoreError.Kind, _ body: () throws -> Void) {
    #expect {
      try body()
    } throws: { ($0 as? StoreError)?.kind == kind }
  }

  @Test func aNameIsTakenOnce() throws {
    expect(.nameTaken) { _ = try store.createFork(named: "main") }
    expect(.nameTaken) { _ = try store.beginImport(named: "main") }
    expect(.nameTaken) { _ = try store.fork(Reference("main"), as: "main") }
    _ = try store.snapshot(Reference("main"), as: "s")
    expect(.nameTaken) { _ = try store.snapshot(Reference("main"), as: "s") }
    _ = try store.fork(Reference("main@s"), as: "s")
    #expect(store.heads().map(\.name) == ["main", "main@s", "s"])
    #expect(store.heads().map(\.parent) == [nil, "main", "main@s"])
  }

  @Test func aMissingNameIsNotFound() throws {
    for name in ["no", "main@no", "no@s"] {
      expect(.noSuchName) { _ = try store.head(Reference(name)) }
      expect(.noSuchName) { try store.drop(Reference(name)) }
      expect(.noSuchName) { _ = try store.fork(Reference(name), as: "new") }
      expect(.noSuchName) { _ = try store.diff(Reference("main"), Reference(name)) }
      expect(.noSuchName) { _ = try store.volume(Reference(name)) }
    }
    #expect(store.heads().count == 1)
  }

  @Test(arguments: ["", ".", "..", ".a", "-a", "a/b", "a b", "ä", "a@b@c", "a\0", String(repeating: "x", count: 129)])
  func anInvalidNameIsRefused(name: String) throws {
    expect(.invalidName) { _ = try Reference(name) }
    if !name.contains("@") { expect(.invalidName) { _ = try store.createFork(named: name) } }
    expect(.invalidName) { _ = try store.snapshot(Reference("main"), as: name) }
  }

  @Test func whatIsInUseOrHasSnapshotsIsNotDropped() throws {
    var volume: Volume? = try store.volume(Reference("main"))
    let other = volume?.nonblocking()
    expect(.conflict) { try store.drop(Reference("main")) }
    volume = nil
    expect(.conflict) { try store.drop(Reference("main")) }
    // It is free when its user says so, and not only when the last reference is gone.
    other?.endUse()
    other?.endUse()
    _ = try store.snapshot(Reference("main"), as: "s")
    expect(.conflict) { try store.drop(Reference("main")) }
    expect(.notSupported) { _ = try store.snapshot(Reference("main@s"), as: "t") }
    try store.drop(Reference("main@s"))
    try store.drop(Reference("main"))
    withExtendedLifetime(other) {}
    #expect(store.heads().isEmpty)
    _ = try store.makeFork("main")
    let again = try openStore(on: disk.copy())
    #expect(again.heads().map(\.name) == ["main"])
    #expect(again.heads()[0].inodes == 1)
  }

  @Test func aSnapshotCantBeChanged() throws {
    _ = try store.snapshot(Reference("main"), as: "s")
    let files = try store.files("main@s")
    #expect(files.isReadOnly)
    #expect(throws: Errno.readOnlyFileSystem) {
      try files.mknod(1, [1], mode: 0o100600, device: 0, Credentials(user: 0, group: 0))
    }
  }

  /// An import has no name for others until it is complete, and is gone after a crash before that.
  @Test(arguments: [false, true]) func anImportCountsWhenItIsComplete(completes: Bool) throws {
    let fork = try store.beginImport(named: "data")
    do {
      let files = FileSystem(try store.volume(ofImport: fork.id))
      try files.makeRoot(mode: 0o755, Credentials(user: 0, group: 0))
    }
    expect(.noSuchName) { _ = try store.head(Reference("data")) }
    expect(.nameTaken) { _ = try store.createFork(named: "data") }
    #expect(store.heads().count == 1)
    try store.checkpoint()
    if completes { _ = try store.completeImport(fork.id) }
    for _ in 0..<2 {
      let again = try openStore(on: disk.copy())
      #expect(again.heads().map(\.name) == (completes ? ["main", "data"] : ["main"]))
      #expect(try again.problems == [])
      if !completes { _ = try again.createFork(named: "data") }
    }
    expect(.noSuchName) { _ = try store.completeImport(99) }
    if completes { expect(.noSuchName) { try store.abandonImport(fork.id) } }
  }
}
