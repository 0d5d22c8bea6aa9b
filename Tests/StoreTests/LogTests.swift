import FileSystem
import Ledger
import Synchronization
import SystemIO
import TestSupport
import Testing

@testable import Store

/// The newest records are read from the end of the ledger.
@Suite struct LogTests {
  private let disk = MemoryStorage()

  private func entries(_ store: Store, of reference: Reference?, from lsn: UInt64 = 1) throws -> [LogEntry] {
    var entries: [LogEntry] = []
    try store.log(of: reference, from: lsn) { entry in
      entries.append(entry)
      return true
    }
    return entries
  }

  /// Whatever the number, the fork and the place: the newest records are the last ones of all.
  @Test(arguments: [UInt64](1...4)) func theNewestAreTheLastOfAll(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    var store = try makeStore(on: disk)
    var main = try store.makeFork("main")
    try main.run(120, &random)
    _ = try store.fork(Reference("main"), as: "other")
    let other = try store.files("other")
    let inode = try other.mknod(1, [7], mode: 0o100600, device: 0, Credentials(user: 0, group: 0)).inode
    try other.put(inode, [1, 2])
    if seed % 2 == 0 { _ = try store.collectGarbage() }
    try main.run(60, &random)
    if seed > 2 {
      try store.flush()
      store = try openStore(on: disk.copy())
    }
    let last = store.ledger.lastLSN
    if seed % 2 == 1 { #expect(try store.ledger.segments.numbers().count > 2) }
    for reference in [nil, try Reference("main"), try Reference("other")] {
      for lsn in [1, last / 3, last - 10, last, last + 1] {
        let all = try entries(store, of: reference, from: lsn).map(\.lsn)
        for limit in [1, 2, 7, 100, 10_000] {
          let newest = try store.newestLogEntries(limit, of: reference, from: lsn).map(\.lsn)
          #expect(newest == all.suffix(limit), "seed \(seed), \(limit) of \(reference?.fork ?? "all") from \(lsn)")
        }
      }
    }
  }

  /// Thirty times the history, and not more to read.
  @Test func theNewestCostTheSameInALongLedger() throws {
    let counted = CountingStorage(disk)
    var options = tinyOptions
    options.ledger.segmentSize = 4 << 20
    try Store.create(on: counted, describedAs: "memory")
    let store = try Store.open(on: counted, options: options, describedAs: "memory")
    var random = SeededRandom(seed: 1)
    let main = try store.makeFork("main")
    let inode = try main.files.mknod(1, [7], mode: 0o100600, device: 0, Credentials(user: 0, group: 0)).inode
    func bytesRead(appending count: Int, _ body: () throws -> Void) throws -> Int {
      for index in 0..<count { try main.files.put(inode, random.bytes(index % 5 == 0 ? 4096 : 40)) }
      let before = counted.bytesRead
      try body()
      return counted.bytesRead - before
    }
    let newest = { _ = try store.newestLogEntries(1, of: Reference("main")) }
    let early = try bytesRead(appending: 200, newest)
    let late = try bytesRead(appending: 6000, newest)
    #expect(late < early + (128 << 10), "\(early) and \(late) bytes")
    let last = store.ledger.lastLSN
    let since = try bytesRead(appending: 0) {
      _ = try store.newestLogEntries(50, of: Reference("main"), from: last - 3)
    }
    #expect(since < 512 << 10, "\(since) bytes")
    #expect(try store.ledger.position.segment > 1 && entries(store, of: nil).count == Int(last))
  }

  /// What is older than what is read may be damaged; what is read may not.
  @Test func damageIsToldWhereItIsRead() throws {
    let store = try makeStore(on: disk)
    let main = try store.makeFork("main")
    var random = SeededRandom(seed: 3)
    let inode = try main.files.mknod(1, [7], mode: 0o100600, device: 0, Credentials(user: 0, group: 0)).inode
    var places: [LedgerPosition] = []
    for _ in 0..<60 {
      try main.files.put(inode, random.bytes(4096))
      places.append(store.ledger.position)
    }
    try store.flush()
    func newest(_ limit: Int, damaging index: Int) throws -> Int {
      let damaged = disk.copy()
      let again = try openStore(on: damaged)
      let file = try damaged.open("ledger/000000000\(places[index].segment)", .readingAndWriting)
      try file.write([0xff], at: places[index].offset + 80)
      return try again.newestLogEntries(limit, of: Reference("main")).count
    }
    #expect(try newest(3, damaging: 2) == 3)
    #expect(throws: StoreError.self) { try newest(3, damaging: 58) }
    #expect(throws: StoreError.self) { try newest(60, damaging: 2) }
  }
}

/// Another storage, with a count of the bytes that were read.
private final class CountingStorage: Storage {
  private let base: any Storage
  private let count = Atomic(0)

  init(_ base: any Storage) { self.base = base }

  var bytesRead: Int { count.load(ordering: .relaxed) }

  func open(_ path: String, _ mode: StorageOpenMode) throws(Errno) -> any StorageFile {
    File(try base.open(path, mode), self)
  }

  func makeDirectory(_ path: String) throws(Errno) { try base.makeDirectory(path) }
  func list(_ path: String) throws(Errno) -> [String] { try base.list(path) }
  func rename(_ path: String, to newPath: String) throws(Errno) { try base.rename(path, to: newPath) }
  func remove(_ path: String) throws(Errno) { try base.remove(path) }
  func synchronizeDirectory(_ path: String) throws(Errno) { try base.synchronizeDirectory(path) }
  func lock(_ path: String, _ mode: StorageLockMode) throws(Errno) -> any AnyObject & Sendable {
    try base.lock(path, mode)
  }
  func capacity() throws(Errno) -> (free: UInt64, total: UInt64) { try base.capacity() }

  private final class File: StorageFile {
    private let base: any StorageFile
    private let storage: CountingStorage

    init(_ base: any StorageFile, _ storage: CountingStorage) {
      self.base = base
      self.storage = storage
    }

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64, mayBlock: Bool) throws(Errno) -> Int {
      let read = try base.read(into: buffer, at: offset, mayBlock: mayBlock)
      storage.count.wrappingAdd(read, ordering: .relaxed)
      return read
    }

    func write(_ buffers: [UnsafeRawBufferPointer], at offset: UInt64) throws(Errno) {
      try base.write(buffers, at: offset)
    }
    func synchronize() throws(Errno) { try base.synchronize() }
    func synchronizeAndDropCache() throws(Errno) { try base.synchronizeAndDropCache() }
    func startWriteback(at offset: UInt64, count: UInt64) throws(Errno) {}
    func size() throws(Errno) -> UInt64 { try base.size() }
    func truncate(to size: UInt64) throws(Errno) { try base.truncate(to: size) }
    func punchHole(at offset: UInt64, count: UInt64) throws(Errno) { try base.punchHole(at: offset, count: count) }
    func allocatedSize() throws(Errno) -> UInt64 { try base.allocatedSize() }
    func allocate(at offset: UInt64, count: UInt64) throws(Errno) { try base.allocate(at: offset, count: count) }
  }
}
