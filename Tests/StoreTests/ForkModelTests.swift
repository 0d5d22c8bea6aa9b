import FileSystem
import Ledger
import SystemIO
import TestSupport
import Testing

@testable import Store

/// Forks and snapshots against models of each, through checkpoints, collections, clean and unclean ends.
@Suite struct ForkModelTests {
  @Test(arguments: [UInt64](1...8))
  func everyForkIsWhatItsModelSays(seed: UInt64) throws {
    var world = try World(seed: seed)
    do {
      for _ in 0..<70 { try world.step() }
      try world.verify()
    } catch {
      Issue.record("seed \(seed), after \(world.history.suffix(6)): \(error)")
    }
  }

  /// After a power cut all forks are at one moment between the last flush and the end.
  @Test(arguments: [UInt64](1...8))
  func aPowerCutLeavesOneMomentOfAllForks(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    let disk = SimulatedDisk()
    let store = try makeStore(on: disk)
    var forks = ["a": try store.makeFork("a"), "b": try store.makeFork("b")]
    var moments: [(lsn: UInt64, models: [String: ModelFileSystem])] = []
    var flushed: UInt64 = 0
    for step in 0..<60 {
      let name = random.oneIn(2) ? "a" : "b"
      try forks[name]!.step(&random)
      moments.append((store.ledger.lastLSN, forks.mapValues { named($0.model) }))
      if random.oneIn(8) {
        try forks[name]!.files.fsync()
        flushed = store.heads().first { $0.name == name }!.lastLSN
      }
      if random.oneIn(15) { try store.checkpoint() }
      if random.oneIn(25) { _ = try store.collectGarbage() }
      guard random.oneIn(6), step > 3 else { continue }
      let cut = random.next()
      let survivor = try openStore(on: disk.afterPowerCut(seed: cut))
      let lsn = survivor.ledger.lastLSN
      #expect(lsn >= flushed, "seed \(seed), step \(step), cut \(cut)")
      #expect(try survivor.problems == [], "seed \(seed), step \(step), cut \(cut)")
      // An operation may be two records: a name goes, then its inode.
      guard let moment = moments.last(where: { $0.lsn <= lsn }) else { continue }
      for (name, model) in moment.models {
        let files = try survivor.files(name)
        try files.purgeOrphans()
        let next = moments.first { $0.lsn > lsn }?.models[name]
        let isEither = [model, next].compactMap { $0 }.contains { (try? $0.compare(with: files)) != nil }
        #expect(isEither, "seed \(seed), step \(step), cut \(cut), fork \(name)")
      }
    }
  }

  private func named(_ model: ModelFileSystem) -> ModelFileSystem {
    var copy = model
    copy.dropNameless()
    return copy
  }
}

/// A store with forks and snapshots, and the model of each.
struct World {
  var random: SeededRandom
  private var disk = MemoryStorage()
  private(set) var store: Store
  private var forks: [String: RandomOperations] = [:]
  private var snapshots: [String: ModelFileSystem] = [:]
  private(set) var history: [String] = []
  private var count = 0

  init(seed: UInt64) throws {
    random = SeededRandom(seed: seed)
    store = try makeStore(on: disk)
    forks["main"] = try store.makeFork("main")
    try forks["main"]!.run(60, &random)
  }

  private mutating func someFork() -> String { forks.keys.sorted().randomElement(using: &random)! }

  mutating func step() throws {
    count += 1
    let name = someFork()
    switch Int.random(in: 0..<30, using: &random) {
    case 0..<4 where forks.count < 6: try fork(name)
    case 4..<6 where snapshots.count < 4: try snapshot(name)
    case 6..<8: try drop(name)
    case 8: try dropSnapshot()
    case 9..<11:
      note("checkpoint")
      try store.checkpoint()
    case 11..<13:
      note("collect")
      _ = try store.collectGarbage()
    case 13: try reopen(closing: true)
    case 14: try reopen(closing: false)
    case 15..<17: try verifyDifference(name, someFork())
    default:
      note("change \(name)")
      try forks[name]!.run(8, &random)
    }
    if count % 12 == 0 { try verify() }
  }

  private mutating func note(_ text: String) { history.append(text) }

  private mutating func fork(_ name: String) throws {
    note("fork \(name) as f\(count)")
    let fromSnapshot = random.oneIn(3) ? snapshots.keys.sorted().randomElement(using: &random) : nil
    let source = fromSnapshot ?? name
    _ = try store.fork(Reference(source), as: "f\(count)")
    var copy = forks[name]!
    if let fromSnapshot { copy.model = snapshots[fromSnapshot]! }
    forks["f\(count)"] = try copy.moved(to: store.files("f\(count)"))
  }

  private mutating func snapshot(_ name: String) throws {
    note("snapshot \(name)@s\(count)")
    _ = try store.snapshot(Reference(name), as: "s\(count)")
    var model = forks[name]!.model
    model.users = [:]
    snapshots["\(name)@s\(count)"] = model
  }

  private mutating func drop(_ name: String) throws {
    let hasSnapshots = snapshots.keys.contains { $0.hasPrefix("\(name)@") }
    guard forks.count > 1 else { return }
    note("drop \(name)")
    #expect {
      try store.drop(Reference(name))
    } throws: { ($0 as? StoreError)?.kind == .conflict }
    let removed = forks.removeValue(forKey: name)!
    let model = removed.model
    // The volume goes with the last reference to it.
    withExtendedLifetime(consume removed) {}
    if hasSnapshots {
      #expect(throws: StoreError.self) { try store.drop(Reference(name)) }
      let files = try store.files(name)
      try files.purgeOrphans()
      var named = model
      named.dropNameless()
      try named.compare(with: files)
      forks[name] = RandomOperations(resuming: files, model: named)
    } else {
      try store.drop(Reference(name))
    }
  }

  private mutating func dropSnapshot() throws {
    guard let name = snapshots.keys.sorted().randomElement(using: &random) else { return }
    note("drop \(name)")
    try store.drop(Reference(name))
    snapshots[name] = nil
  }

  /// The same files under a new process: after a clean end, or after a kill.
  private mutating func reopen(closing: Bool) throws {
    note(closing ? "close" : "kill")
    if closing { try store.close() }
    disk = disk.copy()
    store = try openStore(on: disk)
    if closing { #expect(store.recovery.replayed == 0, "a clean end leaves nothing to replay") }
    for name in forks.keys { forks[name] = try forks[name]!.moved(to: store.files(name)) }
    for name in snapshots.keys { snapshots[name]!.users = [:] }
    try verify()
  }

  private mutating func verifyDifference(_ old: String, _ new: String) throws {
    note("diff \(old) \(new)")
    let changes = try store.diff(Reference(old), Reference(new))
    try forks[old]!.model.compareDifference(to: forks[new]!.model, changes)
  }

  func verify() throws {
    for (name, operations) in forks {
      do { try operations.model.compare(with: operations.files) } catch { throw Wrong("fork \(name): \(error)") }
    }
    for (name, model) in snapshots {
      do { try model.compare(with: store.files(name)) } catch { throw Wrong("snapshot \(name): \(error)") }
    }
    for head in store.heads() where head.kind == .fork {
      let usage = forks[head.name]!.model.usage
      guard (head.inodes, head.bytes) == (usage.inodes, usage.pages * 4096) else {
        throw Wrong("fork \(head.name) counts \(head.inodes) inodes and \(head.bytes) bytes, and has \(usage)")
      }
    }
    let problems = try store.problems
    if !problems.isEmpty { throw Wrong("\(problems)") }
  }
}

/// What a store did that its model says it should not.
struct Wrong: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}
