import FileSystem
import Ledger
import SystemIO
import TestSupport
import Testing
import Tree

@testable import Store

/// A fork keeps what it began with, for as long as it is there.
@Suite struct ForkPointTests {
  private let disk: MemoryStorage
  private let store: Store
  private static let user = Credentials(user: 1, group: 1)

  init() throws {
    disk = MemoryStorage()
    store = try makeStore(on: disk)
    _ = try store.createFork(named: "prod")
    try store.files("prod").makeRoot(mode: 0o755, Self.user)
    try Self.make(store, "prod", "file", 1)
  }

  private static func make(_ store: Store, _ fork: String, _ name: String, _ seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    let files = try store.files(fork)
    let inode = try files.mknod(1, Array(name.utf8), mode: 0o100644, device: 0, user).inode
    try files.put(inode, random.bytes(40_000))
  }

  private static func overwrite(_ store: Store, _ fork: String, _ name: String, _ seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    let files = try store.files(fork)
    try files.put(files.lookup(1, Array(name.utf8)).inode, random.bytes(40_000))
  }

  private func changes(_ store: Store, _ comparison: (Store) throws -> Comparison) throws -> [String] {
    var lines: [String] = []
    try comparison(store).forEachChange { change in
      lines.append("\(change.kind) \(String(decoding: change.path, as: UTF8.self))")
      return true
    }
    return lines
  }

  /// Neither what the origin did since, nor that it is gone, nor the end of the process matters.
  @Test(arguments: ["open", "closed", "killed", "collected", "collected and killed"])
  func aForkIsComparedWithWhatItBeganWith(way: String) throws {
    _ = try store.fork(Reference("prod"), as: "trial")
    try Self.make(store, "prod", "later", 2)
    try Self.overwrite(store, "prod", "file", 3)
    try Self.overwrite(store, "trial", "file", 4)
    try Self.make(store, "trial", "own", 5)
    if way == "closed" { try store.close() }
    if way == "open" || way.hasPrefix("collected") { try store.drop(Reference("prod")) }
    if way.hasPrefix("collected") { _ = try store.collectGarbage() }
    let again = ["closed", "killed", "collected and killed"].contains(way) ? try openStore(on: disk.copy()) : store
    #expect(try changes(again) { try $0.compareWithForkPoint(Reference("trial")) } == ["modified file", "added own"])
    let comparison = try again.compareWithForkPoint(Reference("trial"))
    var random = SeededRandom(seed: 1)
    let old = FileSystem(comparison.old)
    let inode = try old.lookup(1, Array("file".utf8)).inode
    #expect(try old.bytes(of: inode, at: 0, count: 50_000) == random.bytes(40_000))
    #expect(try again.problems == [])
  }

  @Test func whatAForkBeganWithGoesWithIt() throws {
    _ = try store.fork(Reference("prod"), as: "trial")
    try Self.overwrite(store, "prod", "file", 3)
    try Self.overwrite(store, "trial", "file", 4)
    _ = try store.collectGarbage()
    #expect(try store.collectGarbage().bytesFreed < 20_000, "all of it is kept")
    try store.drop(Reference("trial"))
    #expect(try store.collectGarbage().bytesFreed > 70_000, "what it began with, and what it wrote")
    #expect(try store.problems == [])
  }

  @Test func damageOfWhatAForkBeganWithIsTold() throws {
    _ = try store.fork(Reference("prod"), as: "trial")
    try Self.overwrite(store, "prod", "file", 3)
    try Self.overwrite(store, "trial", "file", 4)
    let old = try store.compareWithForkPoint(Reference("trial")).old
    let inode = try FileSystem(old).lookup(1, Array("file".utf8)).inode
    let block = try old.reading { (reader) throws(TreeError) in try reader.extents(of: inode, 0..<1)[0].item.first }
    var bytes = [UInt8](repeating: 0, count: blockSize)
    try bytes.withUnsafeMutableBytes { (buffer) throws -> Void in
      try store.ledger.readBlocks(block, count: 1, into: buffer, mayBlock: true)
    }
    try store.close()
    let damaged = disk.copy()
    let path = damaged.paths.first {
      $0.hasPrefix("ledger") && Self.place(of: bytes, in: damaged.bytes(of: $0)) != nil
    }!
    var content = damaged.bytes(of: path)
    content[Self.place(of: bytes, in: content)! + 100] ^= 1
    var files = Dictionary(uniqueKeysWithValues: damaged.paths.map { ($0, damaged.bytes(of: $0)) })
    files[path] = content
    let again = try openStore(on: MemoryStorage(directories: ["", "ledger", "index", "manifest"], files: files))
    let problems = try again.check().problems
    #expect(problems.map(\.head) == ["trial"])
    #expect(problems.first?.path == Array("file".utf8))
    #expect(problems.first?.message.hasPrefix("in the state that it was forked from: ") == true)
  }

  private static func place(of bytes: [UInt8], in content: [UInt8]) -> Int? {
    guard content.count >= bytes.count else { return nil }
    return (0...content.count - bytes.count).first {
      content[$0] == bytes[0] && content[$0..<$0 + bytes.count].elementsEqual(bytes)
    }
  }

  /// Each head, and what the last state is that it has in common with another.
  @Test func theCommonMomentIsWhereTheFirstOfThemLeft() throws {
    _ = try store.fork(Reference("prod"), as: "a")
    try Self.make(store, "prod", "p1", 2)
    _ = try store.snapshot(Reference("prod"), as: "s")
    try Self.make(store, "prod", "p2", 3)
    _ = try store.fork(Reference("prod"), as: "b")
    _ = try store.fork(Reference("prod@s"), as: "c")
    try Self.make(store, "prod", "p3", 4)
    for fork in ["a", "b", "c"] { try Self.make(store, fork, "own", 5) }
    func common(_ one: String, _ other: String) throws -> [String] {
      try changes(store) { try $0.compareWithCommonMoment(of: Reference(one), Reference(other)) }
    }
    #expect(try common("prod", "a") == ["added own"])
    #expect(try common("a", "prod") == ["added p1", "added p2", "added p3"])
    #expect(try common("a", "b") == ["added own", "added p1", "added p2"])
    #expect(try common("b", "a") == ["added own"])
    #expect(try common("b", "c") == ["added own"])
    #expect(try common("c", "b") == ["added own", "added p2"])
    #expect(try common("prod@s", "prod") == ["added p2", "added p3"])
    #expect(try common("prod", "prod") == [])
    _ = try store.fork(Reference("a"), as: "d")
    try Self.make(store, "d", "more", 6)
    #expect(try common("b", "d") == ["added more", "added own"])
    // What d and b have in common is known by way of a alone.
    try store.drop(Reference("a"))
    #expect { try common("b", "d") } throws: { ($0 as? StoreError)?.kind == .noSuchName }
    #expect(try changes(store) { try $0.compareWithForkPoint(Reference("d")) } == ["added more"])
  }

  @Test func whatWasTakenFromNothingHasNoForkPoint() throws {
    for name in ["prod", "prod@s"] {
      if name == "prod@s" { _ = try store.snapshot(Reference("prod"), as: "s") }
      #expect { try store.compareWithForkPoint(Reference(name)) } throws: { ($0 as? StoreError)?.kind == .noSuchName }
    }
    _ = try store.createFork(named: "apart")
    #expect {
      try store.compareWithCommonMoment(of: Reference("prod"), Reference("apart"))
    } throws: { ($0 as? StoreError)?.kind == .noSuchName }
  }

  /// Stores that were written before forks kept what they began with.
  @Test func aHeadWithoutAForkPointIsRead() throws {
    let head = HeadState(
      id: 7, kind: .fork, name: "old", ownerID: 0, parentID: 3, createdAt: 1, createdLSN: 7, lastLSN: 9,
      tree: Tree(epoch: 0))
    let bytes = head.encoded()
    #expect(bytes[0] == 1)
    let copy = try bytes.withUnsafeBytes { try HeadState(id: 7, epoch: 0, decoding: $0) }
    #expect(copy.forkPoint == nil && copy.name == "old" && copy.parentID == 3)
    head.forkPoint = ForkPoint(origin: 3, root: NodeReference(packed: 1 << 32 | 5))
    let newer = head.encoded()
    #expect(newer[0] == 2 && newer.count == bytes.count + 16)
    #expect(try newer.withUnsafeBytes { try HeadState(id: 7, epoch: 0, decoding: $0) }.forkPoint == head.forkPoint)
  }
}
