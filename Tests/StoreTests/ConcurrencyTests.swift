import FileSystem
import Ledger
import Synchronization
import SystemIO
import TestSupport
import Testing

@testable import Store

/// Many threads on one store.
@Suite struct ConcurrencyTests {
  /// Writers on forks of their own, while forks come and go, checkpoints and collections run, checks and diffs look on. All write the
  /// same few pages, so that duplicates are found everywhere.
  @Test(arguments: [UInt64](1...3))
  func everythingAtOnceKeepsEveryForkWhole(seed: UInt64) throws {
    let disk = SimulatedDisk()
    let store = try makeStore(on: disk)
    let names = ["a", "b", "c", "d"]
    for name in names { _ = try store.createFork(named: name) }
    let working = Atomic(names.count)
    let finished = Monitor<[String: ModelFileSystem]>([:])
    try onThreads(names.count + 3) { index in
      var random = SeededRandom(seed: seed * 1000 + UInt64(index))
      switch index {
      case 0..<names.count:
        defer { working.subtract(1, ordering: .releasing) }
        let name = names[index]
        var operations = try RandomOperations(store.files(name), largestSize: 40_000)
        for step in 0..<150 {
          try operations.step(&random)
          if step % 40 == 0 { try operations.files.fsync() }
        }
        try operations.model.compare(with: operations.files)
        operations.model.dropNameless()
        let model = operations.model
        finished.withLock { $0[name] = model }
      case names.count:
        while working.load(ordering: .acquiring) > 0 {
          _ = try store.collectGarbage()
          try store.checkpoint()
        }
      case names.count + 1:
        var count = 0
        while working.load(ordering: .acquiring) > 0 {
          count += 1
          let source = names.randomElement(using: &random)!
          _ = try store.fork(Reference(source), as: "x\(count)")
          _ = try store.diff(Reference(source), Reference("x\(count)"))
          _ = try store.ownBytes(Reference("x\(count)"))
          try store.drop(Reference("x\(count)"))
        }
      default:
        while working.load(ordering: .acquiring) > 0 {
          let problems = try store.problems
          #expect(problems == [], "seed \(seed)")
          try store.log(of: nil) { _ in true }
        }
      }
    }
    #expect(try store.problems == [], "seed \(seed)")
    try store.flush()
    for left in [disk.afterKill(), disk.afterPowerCut(seed: seed)] {
      let again = try openStore(on: left)
      #expect(try again.problems == [], "seed \(seed)")
      for (name, model) in finished.withLock({ $0 }) {
        let files = try again.files(name)
        try files.purgeOrphans()
        try model.compare(with: files)
      }
    }
  }

  /// A change behind the drop of its fork cannot be replayed. The store could once not be opened any more then.
  @Test(arguments: [UInt64](1...10))
  func anImportThatIsGivenUpWhileItIsWrittenIsReplayed(seed: UInt64) throws {
    let disk = MemoryStorage()
    let store = try makeStore(on: disk)
    let fork = try store.beginImport(named: "data")
    let started = Monitor(0)
    try onThreads(4) { index in
      if index == 3 {
        started.wait { $0 >= 3 ? () : nil }
        try store.abandonImport(fork.id)
        return
      }
      let files = FileSystem(try store.volume(ofImport: fork.id))
      if index == 0 { try files.makeRoot(mode: 0o755, Credentials(user: 0, group: 0)) }
      started.notifyAll { $0 += 1 }
      started.wait { $0 >= 3 ? () : nil }
      for number in 0..<200 {
        let name = Array("\(index)-\(number)".utf8)
        guard (try? files.mknod(1, name, mode: 0o100600, device: 0, Credentials(user: 0, group: 0))) != nil else {
          return
        }
      }
    }
    let again = try openStore(on: disk.copy())
    #expect(again.heads().isEmpty)
    #expect(try again.problems == [])
  }
}
