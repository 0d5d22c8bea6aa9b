import FileSystem
import Ledger
import SystemIO
import TestSupport

@testable import Store

/// A closed store with several forks and snapshots, made by random operations, with checkpoints in between; and what each of them holds.
struct WorkedStore {
  let disk: MemoryStorage
  private(set) var models: [String: ModelFileSystem] = [:]

  /// - Parameter collecting: whether a collection takes what it can before the last changes.
  init(seed: UInt64, steps: Int = 150, collecting: Bool = false) throws {
    disk = MemoryStorage()
    var random = SeededRandom(seed: seed)
    let store = try makeStore(on: disk)
    var forks: [String: RandomOperations] = ["main": try store.makeFork("main")]
    var snapshots: [String: ModelFileSystem] = [:]
    func work(_ name: String) throws { try forks[name]!.run(steps, &random) }
    func fork(_ name: String, from source: String) throws {
      _ = try store.fork(Reference(source), as: name)
      forks[name] = try forks[source]!.moved(to: store.files(name))
    }
    func snapshot(_ fork: String, _ name: String) throws {
      _ = try store.snapshot(Reference(fork), as: name)
      snapshots["\(fork)@\(name)"] = forks[fork]!.model.named
    }
    try work("main")
    try fork("dev", from: "main")
    try work("dev")
    try store.checkpoint()
    try snapshot("main", "one")
    try work("main")
    try fork("third", from: "dev")
    if collecting { _ = try store.collectGarbage() }
    try work("third")
    try store.checkpoint()
    try snapshot("third", "two")
    try work("dev")
    try work("main")
    models = snapshots.merging(forks.mapValues { $0.model.named }) { left, _ in left }
    for fork in forks.values { try fork.release() }
    forks = [:]
    try store.close()
  }

  /// The same store with one bit flipped.
  func flipping(_ path: String, at offset: Int, bit: UInt8) -> MemoryStorage {
    let damaged = disk.copy()
    var bytes = disk.bytes(of: path)
    bytes[offset] ^= 1 << bit
    damaged.replace(path, with: bytes)
    return damaged
  }
}

extension ModelFileSystem {
  /// What is left when nobody uses anything.
  fileprivate var named: ModelFileSystem {
    var copy = self
    copy.dropNameless()
    return copy
  }
}

extension RandomOperations {
  /// Ends all uses of inodes that random operations began.
  fileprivate func release() throws {
    for (inode, count) in model.users { for _ in 0..<count { try files.release(inode) } }
  }
}
