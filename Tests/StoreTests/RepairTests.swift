import FileSystem
import SystemIO
import TestSupport
import Testing

@testable import Ledger
@testable import Store

/// What a repair takes from where.
@Suite struct RepairTests {
  private static let user = Credentials(user: 0, group: 0)

  private func repair(_ disk: MemoryStorage) throws -> RepairReport {
    try Store.repair(on: disk, options: tinyOptions, describedAs: "memory")
  }

  /// The place of a block's stored bytes, found by its content, which is not compressed.
  private func place(of block: ArraySlice<UInt8>, in disk: MemoryStorage) throws -> [(path: String, offset: Int)] {
    var found: [(String, Int)] = []
    for path in disk.paths where path.hasPrefix("ledger/") {
      let bytes = disk.bytes(of: path)
      for offset in stride(from: 4096, to: bytes.count - block.count + 1, by: 8)
      where bytes[offset] == block.first && bytes[offset..<offset + block.count].elementsEqual(block) {
        found.append((path, offset))
      }
    }
    return found
  }

  private func damage(_ disk: MemoryStorage, _ place: (path: String, offset: Int), count: Int = 100) {
    var bytes = disk.bytes(of: place.path)
    for index in 0..<count { bytes[place.offset + index] ^= 0x5a }
    disk.replace(place.path, with: bytes)
  }

  /// The search for duplicates begins anew with each start, so equal blocks are stored twice. Then one of them is enough.
  @Test(arguments: [true, false]) func aBlockIsTakenFromAnEqualOne(readable: Bool) throws {
    let disk = MemoryStorage()
    var random = SeededRandom(seed: 1)
    let content = random.bytes(4096)
    var inodes: [UInt64] = []
    _ = try makeStore(on: disk).makeFork("main")
    for name in ["a", "b"] {
      let store = try openStore(on: disk)
      let files = try store.files("main")
      inodes.append(try files.mknod(1, Array(name.utf8), mode: 0o100600, device: 0, Self.user).inode)
      try files.put(inodes.last!, content)
      try store.close()
    }
    let places = try place(of: content[...], in: disk)
    #expect(places.count == 2)
    damage(disk, places[0])
    if !readable { disk.makeUnreadable(places[0].path, sectorAt: places[0].offset + 512) }
    #expect(try openStore(on: disk.copy()).check().problems.map(\.paths) == [[Array("a".utf8)]])
    let report = try repair(disk)
    #expect(report.repairs.count == 1 && report.repairs[0].contains("from the equal block"), "\(report)")
    #expect(report.failure == nil && report.check.problems.isEmpty)
    for inode in inodes {
      #expect(try openStore(on: disk.copy()).files("main").bytes(of: inode, at: 0, count: 4096) == content)
    }
    // That costs less than looking for the bit.
    disk.flip(places[1].path, at: places[1].offset)
    let flipped = try repair(disk)
    #expect(flipped.repairs.count == 1 && flipped.repairs[0].contains("from the equal block"), "\(flipped)")
    for place in places { damage(disk, place) }
    let lost = try repair(disk)
    #expect(lost.repairs == [])
    #expect(lost.check.problems.map(\.pages) == [0...0, 0...0])
  }

  /// A store with a file whose content came behind the checkpoint, and was flushed.
  private func makeFileBehindCheckpoint(
    _ content: [UInt8], on disk: MemoryStorage
  ) throws -> (Store, FileSystem, inode: InodeNumber) {
    let store = try makeStore(on: disk)
    let files = try store.makeFork("main").files
    let inode = try files.mknod(1, Array("file".utf8), mode: 0o100600, device: 0, Self.user).inode
    try store.checkpoint()
    try files.put(inode, content)
    try store.flush()
    return (store, files, inode)
  }

  /// A store that is refused for one block behind the checkpoint is opened without that block, and nothing else is lost.
  @Test func aDamagedBlockBehindTheCheckpointCostsItsPageAlone() throws {
    let disk = MemoryStorage()
    var random = SeededRandom(seed: 2)
    let content = random.bytes(8192)
    let (store, files, inode) = try makeFileBehindCheckpoint(content, on: disk)
    _ = try files.mkdir(1, Array("later".utf8), mode: 0o700, Self.user)
    try store.flush()
    let left = disk.copy()
    damage(left, try #require(try place(of: content[4096...], in: left).first))
    #expect {
      _ = try openStore(on: left.copy())
    } throws: { ($0 as? StoreError)?.kind == .damaged }
    let report = try repair(left)
    #expect(report.repairs.count == 1 && report.repairs[0].contains("the rest of it counts"), "\(report)")
    #expect(report.check.problems.map(\.pages) == [1...1])
    let again = try openStore(on: left).files("main")
    #expect(try again.bytes(of: inode, at: 0, count: 4096) == Array(content[..<4096]))
    #expect(throws: Errno.inputOutput) { try again.bytes(of: inode, at: 4096, count: 4096) }
    #expect(try again.lookup(1, Array("later".utf8)).inode > inode)
  }

  /// A block that is lost once hid what stands behind it: a flipped bit there was left, taken for a torn end, and cut
  /// off although it had been flushed.
  @Test func whatStandsBehindALostBlockIsRepaired() throws {
    let disk = MemoryStorage()
    var random = SeededRandom(seed: 6)
    let content = random.bytes(4096)
    let (store, files, inode) = try makeFileBehindCheckpoint(content, on: disk)
    let later = store.ledger.position
    _ = try files.mkdir(1, Array("later".utf8), mode: 0o700, Self.user)
    try store.flush()
    let left = disk.copy()
    let block = try #require(try place(of: content[...], in: left).first)
    damage(left, block)
    left.flip(block.path, at: Int(later.offset) + 80)
    let report = try repair(left)
    #expect(report.repairs.contains { $0.contains("a flipped bit of record \(later.nextLSN)") }, "\(report)")
    #expect(report.check.problems.map(\.pages) == [0...0], "\(report)")
    let again = try openStore(on: left).files("main")
    #expect(try again.lookup(1, Array("later".utf8)).inode > inode)
  }

  /// A store in which nothing is damaged is not repaired, and holds what it held.
  @Test func aWholeStoreIsLeftAsItIs() throws {
    let worked = try WorkedStore(seed: 4, steps: 60)
    let segments = worked.disk.paths.filter { $0.hasPrefix("ledger/") || $0.hasPrefix("index/") }
    let before = segments.map(worked.disk.bytes)
    let report = try repair(worked.disk)
    #expect(report.repairs == [])
    #expect(report.check.problems.isEmpty && report.check.heads == worked.models.count)
    #expect(segments.map(worked.disk.bytes) == before)
    for (name, model) in worked.models { try model.compare(with: openStore(on: worked.disk.copy()).files(name)) }
  }

  /// After a collection the ledger does not reach back to the beginning: what only an old index segment holds is lost, and is told.
  @Test func whatTheLedgerDoesNotReachIsToldAndKept() throws {
    let worked = try WorkedStore(seed: 5, steps: 60, collecting: true)
    let path = try #require(worked.disk.paths.first { $0.hasPrefix("index/") })
    let map = try StoreMap(openStore(on: worked.disk.copy()))
    let nodes = map.uses.keys.filter { $0.path == path }.sorted { $0.bytes.lowerBound < $1.bytes.lowerBound }
    damage(worked.disk, (path, try #require(nodes.first).bytes.lowerBound + 30), count: 10)
    let before = try openStore(on: worked.disk.copy()).check().problems
    let report = try repair(worked.disk)
    #expect(report.check.problems.map(\.message) == before.map(\.message) || report.check.problems.isEmpty)
    for (name, model) in worked.models {
      let reading = try ToleratedReading(openStore(on: worked.disk.copy()).files(name), model)
      #expect(reading.isWhole || report.check.problems.contains { $0.head == name })
    }
  }

  /// A segment without a footer is sealed again from its records, whatever became of its blocks: given back by a
  /// collection, or lost.
  @Test(arguments: [true, false]) func aFooterIsWrittenAnewWhereBlocksAreMissing(collecting: Bool) throws {
    let disk = MemoryStorage()
    var random = SeededRandom(seed: 7)
    let contents = (0..<2).map { _ in random.bytes(8 * 4096) }
    let store = try makeStore(on: disk)
    let files = try store.makeFork("main").files
    var inodes: [UInt64] = []
    for (name, content) in zip(["given", "kept"], contents) {
      inodes.append(try files.mknod(1, Array(name.utf8), mode: 0o100600, device: 0, Self.user).inode)
      try files.put(inodes.last!, content)
    }
    if collecting {
      try files.unlink(1, Array("given".utf8))
      #expect(try store.collectGarbage().bytesFreed > 4 * 4096)
    }
    try store.close()
    let kept = try #require(try place(of: contents[1][..<4096], in: disk).first)
    if !collecting { damage(disk, kept) }
    let bytes = disk.bytes(of: kept.path)
    disk.replace(kept.path, with: bytes.dropLast(64) + [UInt8](repeating: 0, count: 64))
    let report = try repair(disk)
    #expect(report.repairs.count == 1 && report.repairs[0].contains("footer, from its records"), "\(report)")
    #expect(report.check.problems.map(\.pages) == (collecting ? [] : [0...0]), "\(report)")
    let again = try openStore(on: disk).files("main")
    #expect(try again.bytes(of: inodes[1], at: 4096, count: 7 * 4096) == Array(contents[1][4096...]))
  }

  /// A sector that cannot be read is damage of what stands in it: everything else is repaired, and the rest of the
  /// store read.
  @Test(arguments: [true, false]) func anUnreadableSectorKeepsNothingElseFromBeingRepaired(collecting: Bool) throws {
    let worked = try WorkedStore(seed: 8, steps: 60, collecting: collecting)
    let segments = worked.disk.paths.filter { $0.hasPrefix("ledger/") || $0.hasPrefix("index/") }
    let paths = segments + worked.disk.paths.filter { $0.hasPrefix("manifest/") }
    var random = SeededRandom(seed: 8)
    for _ in 0..<60 {
      let path = paths.randomElement(using: &random)!
      let offset = Int.random(in: 0..<worked.disk.bytes(of: path).count, using: &random)
      let other = segments.filter { $0 != path }.randomElement(using: &random)!
      let damaged = worked.flipping(other, at: 20, bit: 3)
      damaged.makeUnreadable(path, sectorAt: offset)
      let context = "byte \(offset) of \(path) can't be read, and \(other) is damaged"
      let report = try repair(damaged)
      #expect(report.failure == nil, "\(context): \(report)")
      #expect(report.repairs.contains { $0.contains("a flipped bit of its header") }, "\(context): \(report)")
      for (name, model) in worked.models where report.check.heads > 0 {
        let reading = try ToleratedReading(openStore(on: damaged).files(name), model)
        #expect(reading.isWhole || report.check.problems.contains { $0.head == name }, "\(context): \(report)")
      }
    }
  }

  private func restoreManifests(_ disk: MemoryStorage, from before: MemoryStorage) throws {
    for path in disk.paths where path.hasPrefix("manifest/") { try disk.remove(path) }
    for path in before.paths where path.hasPrefix("manifest/") { disk.replace(path, with: before.bytes(of: path)) }
  }

  /// A store that went on without its newest manifest, which was damaged, once removed what only that one refers to, or
  /// gave the same numbers to other nodes. The manifest was repaired later, and led there.
  @Test(arguments: [true, false]) func aRepairedManifestLeadsToItsOwnTrees(checkpointing: Bool) throws {
    let disk = MemoryStorage()
    var random = SeededRandom(seed: 9)
    let first = try makeStore(on: disk)
    var main = try first.makeFork("main")
    for _ in 0..<2 {
      try main.run(40, &random)
      try first.checkpoint()
    }
    let left = disk.copy()
    let newest = try #require(left.paths.last { $0.hasPrefix("manifest/") })
    left.flip(newest, at: 30)
    let store = try openStore(on: left)
    main = try main.moved(to: store.files("main"))
    try main.run(20, &random)
    try store.flush()
    // It is killed before a checkpoint, or while that publishes its manifest.
    let killed = left.copy()
    if checkpointing {
      try store.checkpoint()
      for path in left.paths { killed.replace(path, with: left.bytes(of: path)) }
      try restoreManifests(killed, from: disk)
      killed.flip(newest, at: 30)
    }
    let segment = try #require(disk.paths.last { $0.hasPrefix("index/") })
    #expect(killed.bytes(of: segment) == disk.bytes(of: segment))
    // As a repair leaves it that is killed at once.
    let repaired = killed.copy()
    repaired.flip(newest, at: 30)
    _ = try main.verified(in: openStore(on: repaired))
    let report = try repair(killed)
    #expect(report.repairs.count == 1 && report.repairs[0].hasSuffix("a flipped bit"), "\(report)")
    #expect(report.failure == nil && report.check.problems.isEmpty, "\(report)")
    _ = try main.verified(in: openStore(on: killed))
  }

  /// What a damaged manifest may refer to stays only until a newer one is durable.
  @Test func whatADamagedManifestRefersToGoesAtLast() throws {
    let disk = MemoryStorage()
    var random = SeededRandom(seed: 10)
    let first = try makeStore(on: disk)
    var main = try first.makeFork("main")
    for _ in 0..<2 {
      try main.run(40, &random)
      try first.checkpoint()
    }
    let left = disk.copy()
    let newest = try #require(left.paths.last { $0.hasPrefix("manifest/") })
    let segment = try #require(left.paths.last { $0.hasPrefix("index/") })
    left.flip(newest, at: 30)
    let store = try openStore(on: left)
    #expect(left.paths.contains(segment))
    try store.checkpoint()
    #expect(!left.paths.contains(newest) && left.paths.filter { $0.hasPrefix("manifest/") }.count == 2)
    #expect(try store.problems == [])
    #expect(try store.collectGarbage().indexSegmentsRemoved > 0)
    #expect(!left.paths.contains(segment))
    main = try main.moved(to: store.files("main"))
    _ = try main.verified(in: store)
  }

  /// What a checkpoint wrote that was killed before it published its manifest is removed, where no manifest is damaged.
  @Test func whatAKilledCheckpointWroteIsRemoved() throws {
    let disk = MemoryStorage()
    var random = SeededRandom(seed: 11)
    let store = try makeStore(on: disk)
    var main = try store.makeFork("main")
    try main.run(40, &random)
    let before = disk.copy()
    try store.checkpoint()
    let killed = disk.copy()
    let segment = try #require(killed.paths.last { $0.hasPrefix("index/") })
    try restoreManifests(killed, from: before)
    _ = try main.verified(in: openStore(on: killed))
    #expect(!killed.paths.contains(segment))
  }

  /// A damaged inner node hides what stands below it, so the fewest unreadable nodes may be the most that is lost.
  @Test func treesThatLackLessAreTaken() {
    let some = NodeCount(readable: 100, unreadable: 2)
    #expect(NodeCount(readable: 10, unreadable: 0).areBetter(than: some))
    #expect(!some.areBetter(than: NodeCount(readable: 10, unreadable: 0)))
    #expect(NodeCount(readable: 100, unreadable: 1).areBetter(than: some))
    #expect(NodeCount(readable: 101, unreadable: 2).areBetter(than: some))
    #expect(!NodeCount(readable: 60, unreadable: 1).areBetter(than: some))
    #expect(!some.areBetter(than: NodeCount(readable: 60, unreadable: 1)))
    #expect(!some.areBetter(than: some))
    #expect(some.areBetter(than: .unknown) && !NodeCount.unknown.areBetter(than: some))
  }

  /// Records that are cut off as a torn end are told, as an opening does.
  @Test func aTornEndIsTold() throws {
    let disk = MemoryStorage()
    let store = try makeStore(on: disk)
    let files = try store.makeFork("main").files
    try store.checkpoint()
    let place = store.ledger.position
    _ = try files.mkdir(1, Array("torn".utf8), mode: 0o700, Self.user)
    let left = disk.copy()
    let path = try #require(left.paths.last { $0.hasPrefix("ledger/") })
    damage(left, (path, Int(place.offset) + 80), count: 20)
    let report = try repair(left)
    #expect(report.repairs.count == 1 && report.repairs[0].contains("record \(place.nextLSN)"), "\(report)")
    #expect(report.failure == nil && report.check.problems.isEmpty, "\(report)")
  }

  /// A directory that holds no store is left as it is.
  @Test func whereThereIsNoStoreNothingIsMade() throws {
    let directory = TemporaryDirectory()
    #expect {
      _ = try Store.repair(at: directory.path)
    } throws: { ($0 as? StoreError)?.kind == .notAStore }
    #expect(try DirectoryStorage(opening: directory.path).list("") == [])
  }

  /// A record that reads as zeros once ended its segment for a repair: no block behind it was put right.
  @Test func whatStandsBehindALostRecordIsRepaired() throws {
    let disk = MemoryStorage()
    var random = SeededRandom(seed: 12)
    let content = random.bytes(4096)
    let store = try makeStore(on: disk)
    let files = try store.makeFork("main").files
    let inode = try files.mknod(1, Array("file".utf8), mode: 0o100600, device: 0, Self.user).inode
    try files.put(inode, content)
    try store.close()
    let block = try #require(try place(of: content[...], in: disk).first)
    disk.flip(block.path, at: block.offset)
    var bytes = disk.bytes(of: block.path)
    for offset in 4096..<4096 + 72 { bytes[offset] = 0 }
    disk.replace(block.path, with: bytes)
    let report = try repair(disk)
    #expect(report.repairs.count == 1 && report.repairs[0].contains("a flipped bit of block"), "\(report)")
    #expect(report.check.problems.count == 1 && report.check.problems[0].message.contains("the log lacks it"))
    #expect(try openStore(on: disk).files("main").bytes(of: inode, at: 0, count: 4096) == content)
  }

  /// While somebody has the store open, nothing is touched.
  @Test func aStoreInUseIsNotRepaired() throws {
    let disk = MemoryStorage()
    let store = try makeStore(on: disk)
    #expect {
      _ = try repair(disk)
    } throws: { ($0 as? StoreError)?.kind == .storeInUse }
    withExtendedLifetime(store) {}
  }
}
