import FileSystem
import Ledger
import Synchronization
import SystemIO
import TestSupport
import Testing

@testable import Store

/// Collections free what nothing reaches, and nothing else.
@Suite struct CollectionTests {
  private let disk = MemoryStorage()
  private let store: Store
  private var random = SeededRandom(seed: 4)
  private static let user = Credentials(user: 1, group: 1)

  init() throws { store = try makeStore(on: disk) }

  private var size: Int { disk.paths.reduce(0) { $0 + disk.bytes(of: $1).count } }

  private func makeFile(_ files: FileSystem, _ name: String, _ content: [UInt8]) throws -> InodeNumber {
    let inode = try files.mknod(1, Array(name.utf8), mode: 0o100600, device: 0, Self.user).inode
    try files.put(inode, content)
    return inode
  }

  @Test mutating func droppingForksBringsTheirSpaceBack() throws {
    var main = try store.makeFork("main")
    try main.run(60, &random)
    _ = try store.collectGarbage()
    let before = size
    for number in 0..<4 {
      _ = try store.fork(Reference("main"), as: "f\(number)")
      let files = try store.files("f\(number)")
      _ = try makeFile(files, "own", random.bytes(300_000))
    }
    try store.checkpoint()
    #expect(size > before + 1_200_000)
    for number in 0..<4 { try store.drop(Reference("f\(number)")) }
    let report = try store.collectGarbage()
    #expect(report.bytesFreed > 1_000_000)
    #expect(size < before + 100_000)
    try main.model.compare(with: main.files)
    #expect(try store.problems == [])
    _ = try main.verified(in: openStore(on: disk.copy()))
  }

  /// The segment in which a crash left the end of the ledger was once kept until much more was written.
  @Test mutating func spaceComesBackRightAfterACrash() throws {
    _ = try store.makeFork("main")
    _ = try store.fork(Reference("main"), as: "fork")
    _ = try makeFile(store.files("fork"), "own", random.bytes(80_000))
    let left = disk.copy()
    let again = try openStore(on: left)
    try again.drop(Reference("fork"))
    _ = try again.collectGarbage()
    let size = left.paths.reduce(0) { $0 + left.bytes(of: $1).count }
    #expect(size < 60_000)
    #expect(try again.problems == [])
  }

  @Test mutating func aCanceledCollectionFreesNothing() throws {
    var main = try store.makeFork("main")
    try main.run(80, &random)
    let paths = Set(disk.paths.filter { $0.hasPrefix("ledger") })
    #expect { try store.collectGarbage { false } } throws: { ($0 as? StoreError)?.kind == .canceled }
    #expect(paths.isSubset(of: disk.paths))
    #expect(try store.problems == [])
  }

  /// A page that only a dropped fork had is written again while the collection marks: it is found as a duplicate there.
  @Test mutating func aDuplicateFoundWhileMarkingStays() throws {
    let main = try store.makeFork("main")
    _ = try store.fork(Reference("main"), as: "fork")
    let content = random.bytes(40_000)
    _ = try makeFile(store.files("fork"), "old", content)
    try store.drop(Reference("fork"))
    var inode: InodeNumber?
    let (files, before) = (main.files, size)
    _ = try store.collectGarbage {
      if inode == nil { inode = try? makeFile(files, "new", content) }
      return true
    }
    #expect(size < before + 30_000, "the pages were found, not stored again")
    #expect(try files.bytes(of: inode!, at: 0, count: 50_000) == content)
    _ = try store.collectGarbage()
    #expect(try files.bytes(of: inode!, at: 0, count: 50_000) == content)
    #expect(try store.problems == [])
    let again = try openStore(on: disk.copy())
    #expect(try again.files("main").bytes(of: inode!, at: 0, count: 50_000) == content)
  }

  /// What a diff, a check or an export looks at stays for as long as it looks.
  @Test mutating func aPinnedStateOutlivesItsFork() throws {
    _ = try store.makeFork("main")
    _ = try store.fork(Reference("main"), as: "fork")
    let content = random.bytes(40_000)
    let inode = try makeFile(store.files("fork"), "file", content)
    var frozen: FileSystem? = FileSystem(try store.frozenVolume(Reference("fork")))
    try store.drop(Reference("fork"))
    _ = try store.collectGarbage()
    #expect(try frozen?.bytes(of: inode, at: 0, count: 50_000) == content)
    let before = size
    frozen = nil
    _ = try store.collectGarbage()
    #expect(size < before - 30_000)
  }

  /// Each step of a collection is the last one before a crash, in turn.
  @Test(arguments: 0..<20) mutating func aCrashWhileCollectingLosesNothing(step: Int) throws {
    let disk = SimulatedDisk()
    let store = try makeStore(on: disk)
    var main = try store.makeFork("main")
    try main.run(60, &random)
    _ = try store.fork(Reference("main"), as: "fork")
    _ = try makeFile(store.files("fork"), "own", random.bytes(200_000))
    try store.checkpoint()
    try store.drop(Reference("fork"))
    let calls = Atomic(0)
    disk.fail { call, _ in
      guard call != .read else { return nil }
      return calls.wrappingAdd(1, ordering: .relaxed).oldValue >= step ? .inputOutput : nil
    }
    _ = try? store.collectGarbage()
    disk.fail(nil)
    for left in [disk.afterKill(), disk.afterPowerCut(seed: UInt64(step))] {
      let again = try openStore(on: left)
      #expect(try again.problems == [])
      // The drop was never flushed, and may be undone by a power cut.
      if (try? again.files("main")) != nil { _ = try? again.drop(Reference("fork")) }
      _ = try again.collectGarbage()
      #expect(try again.problems == [])
    }
    _ = try main.verified(in: openStore(on: disk.afterKill()))
  }
}

extension FileSystem {
  func put(_ inode: InodeNumber, _ content: [UInt8]) throws {
    _ = try content.withUnsafeBytes { (buffer) throws -> Int in try self.write(inode, at: 0, buffer) }
  }
}
