import SystemIO
import TestSupport
import Testing

@testable import FileSystem
@testable import Store

/// A disk that others or forks have filled.
@Suite struct FullDiskTests {
  private let disk = SimulatedDisk()
  private let user = Credentials(user: 0, group: 0)

  private func makeFile(_ files: FileSystem, _ name: String) throws -> InodeNumber {
    try files.mknod(1, Array(name.utf8), mode: 0o100600, device: 0, user).inode
  }

  /// Writes noise until the disk is full.
  private func fill(_ files: FileSystem, _ name: String, _ random: inout SeededRandom) throws {
    let inode = try makeFile(files, name)
    do {
      for page in UInt64(0)... { try files.putAll(inode, random.bytes(4096), at: page * 4096) }
    } catch let error as Errno where error == .noSpace {}
  }

  /// A store with two forks of the same content, and a third that is left alone. Nobody has it open.
  private func makeStore(closing: Bool, _ random: inout SeededRandom) throws {
    let store = try StoreTests.makeStore(on: disk)
    let main = try store.makeFork("main")
    let inode = try makeFile(main.files, "file")
    for page in UInt64(0)..<100 { try main.files.putAll(inode, random.bytes(4096), at: page * 4096) }
    _ = try store.fork(Reference("main"), as: "other")
    let kept = try store.makeFork("kept")
    try kept.files.putAll(makeFile(kept.files, "file"), [UInt8](repeating: 7, count: 5000))
    main.files.volume.endUse()
    kept.files.volume.endUse()
    if closing { try store.close() } else { try store.flush() }
  }

  /// Somebody else filled the disk to the last byte: forks can be dropped, and a collection frees their space. Records go on
  /// behind what could not be sealed.
  @Test(arguments: [true, false]) func aFullDiskCanBeFreedAfterAStart(closing: Bool) throws {
    var random = SeededRandom(seed: 1)
    try makeStore(closing: closing, &random)
    disk.limit(to: disk.usedBytes)
    for name in ["main", "other"] {
      let store = try openStore(on: disk)
      #expect(store.heads().contains { $0.name == name })
      try store.drop(Reference(name))
      try store.close()
    }
    let store = try openStore(on: disk)
    let before = disk.usedBytes
    #expect(try store.collectGarbage().bytesFreed > 300_000)
    #expect(disk.usedBytes < before - 300_000)
    #expect(try store.problems == [] && store.heads().map(\.name) == ["kept"])
    let files = try store.files("kept")
    #expect(try files.bytes(of: files.lookup(1, Array("file".utf8)).inode, at: 0, count: 5000).allSatisfy { $0 == 7 })
    try files.putAll(makeFile(files, "new"), random.bytes(100_000))
    #expect(try disk.open(Reserve.path, .reading).size() == tinyOptions.reservedBytes, "it is made anew")
    try store.close()
    #expect(try openStore(on: disk.afterPowerCut(seed: 3)).problems == [])
  }

  /// Names can be removed on a disk that is full, again and again after each start.
  @Test func namesCanBeRemovedAfterAStart() throws {
    var random = SeededRandom(seed: 2)
    do {
      let store = try StoreTests.makeStore(on: disk)
      let files = try store.makeFork("main").files
      for index in 0..<20 { try files.putAll(makeFile(files, "\(index)"), random.bytes(5000)) }
      try store.flush()
    }
    for index in 0..<4 {
      disk.limit(to: disk.usedBytes)
      let store = try openStore(on: disk)
      let files = try store.files("main")
      for part in 0..<3 { try files.unlink(1, Array("\(index * 3 + part)".utf8)) }
      try files.fsync()
    }
    let left = try openStore(on: disk.afterPowerCut(seed: 1)).files("main")
    for index in 0..<20 { #expect(((try? left.lookup(1, Array("\(index)".utf8))) == nil) == (index < 12), "\(index)") }
  }

  /// A fork has filled the disk. As soon as it is dropped others can write, without anybody asking for a collection.
  @Test func whatADroppedForkTookComesBack() throws {
    var random = SeededRandom(seed: 3)
    let store = try StoreTests.makeStore(on: disk)
    let files = try store.makeFork("main").files
    let inode = try makeFile(files, "file")
    try files.putAll(inode, random.bytes(9000))
    disk.limit(to: 2 << 20)
    _ = try store.fork(Reference("main"), as: "greedy")
    let greedy = try store.files("greedy")
    try fill(greedy, "filled", &random)
    let collections = store.fullDisk.state.withLock { $0.collections }
    #expect(throws: Errno.noSpace) { try files.putAll(inode, random.bytes(100_000)) }
    #expect(throws: Errno.noSpace) { try files.nonblocking().putAll(inode, random.bytes(100_000)) }
    #expect(store.fullDisk.state.withLock { $0.collections } == collections, "there is nothing to collect")
    greedy.volume.endUse()
    try store.drop(Reference("greedy"))
    // The reader of requests must not wait for it.
    #expect(throws: Errno.wouldBlock) { try files.nonblocking().putAll(inode, random.bytes(100_000)) }
    try files.putAll(inode, random.bytes(100_000))
    #expect(store.fullDisk.state.withLock { $0.collections } == collections + 1)
    _ = try store.fork(Reference("main"), as: "next")
    #expect(try store.problems == [])
  }

  /// The same for content that was overwritten or removed, and for forks as well as for writes.
  @Test func whatWasRemovedComesBack() throws {
    var random = SeededRandom(seed: 4)
    let store = try StoreTests.makeStore(on: disk)
    let files = try store.makeFork("main").files
    _ = try store.makeFork("small")
    disk.limit(to: 3 << 20)
    try fill(files, "filled", &random)
    #expect(throws: StoreError.self) { for index in 0... { _ = try store.fork(Reference("small"), as: "f\(index)") } }
    _ = try files.unlink(1, Array("filled".utf8))
    _ = try store.fork(Reference("small"), as: "last")
    try fill(files, "again", &random)
    #expect(try store.head(Reference("main")).bytes > 1 << 20)
    #expect(try store.problems == [])
  }

  /// Many who find the disk full at once wait for one collection.
  @Test func oneCollectionServesAll() throws {
    var random = SeededRandom(seed: 5)
    let store = try StoreTests.makeStore(on: disk)
    let forks = try (0..<6).map { try store.makeFork("f\($0)").files }
    disk.limit(to: 3 << 20)
    let greedy = try store.makeFork("greedy")
    try fill(greedy.files, "filled", &random)
    greedy.files.volume.endUse()
    try store.drop(Reference("greedy"))
    let content = random.bytes(20_000)
    let collections = store.fullDisk.state.withLock { $0.collections }
    try onThreads(forks.count) { thread in
      let files = forks[thread]
      let inode = try files.mknod(1, [1], mode: 0o100600, device: 0, Credentials(user: 0, group: 0)).inode
      for offset in 0..<10 { try files.putAll(inode, content.map { $0 &+ UInt8(offset) }, at: UInt64(offset) * 20_000) }
    }
    #expect(store.fullDisk.state.withLock { $0.collections } == collections + 1)
    #expect(try store.problems == [])
  }

  /// Space that the disk does not have is not promised.
  @Test func fallocateBeyondTheFreeSpaceFails() throws {
    let store = try StoreTests.makeStore(on: disk)
    let files = try store.makeFork("main").files
    var random = SeededRandom(seed: 6)
    let inode = try makeFile(files, "file")
    try files.putAll(inode, random.bytes(200_000))
    disk.limit(to: disk.usedBytes + 100_000)
    for (mode, offset, length) in [(0, 0, 1 << 20), (1, 0, 1 << 20), (0, 200_000, 120_000), (0, 0, 1 << 60)] {
      #expect(throws: Errno.noSpace, "\(mode), \(offset), \(length)") {
        try files.fallocate(inode, mode: Int32(mode), offset: UInt64(offset), length: UInt64(length))
      }
    }
    #expect(try files.getattr(inode).size == 200_000)
    try files.fallocate(inode, mode: 0, offset: 0, length: 250_000)
    try files.fallocate(inode, mode: 1, offset: 100_000, length: 180_000)
    #expect(try files.getattr(inode).size == 250_000)
  }
}

extension FileSystem {
  fileprivate func putAll(_ inode: InodeNumber, _ content: [UInt8], at offset: UInt64 = 0) throws {
    let written = try content.withUnsafeBytes { (bytes) throws in try write(inode, at: offset, bytes) }
    if written < content.count { throw Errno.noSpace }
  }
}
