import Ledger
import Store
import SystemIO
import TestSupport
import Testing

@testable import FileSystem

/// Random operations on a file system and on a model of it, with checkpoints, collections and new starts between them.
@Suite struct ModelTests {
  @Test(arguments: [UInt64](1...6))
  func behavesLikeTheModel(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    var disk = MemoryStorage()
    try Store.create(on: disk, describedAs: "memory")
    var store = try Store.open(on: disk, options: Fixture.options, describedAs: "memory")
    _ = try store.createFork(named: "main")
    var operations = try RandomOperations(FileSystem(try store.volume(Reference("main"))))
    for round in 0..<4 {
      for step in 0..<120 {
        do { try operations.step(&random) } catch {
          Issue.record("seed \(seed), round \(round), step \(step), \(operations.latest): \(error)")
          return
        }
        if random.oneIn(60) { try store.checkpoint() }
        if random.oneIn(100) { _ = try store.collectGarbage() }
      }
      try verify(operations, store, "seed \(seed), round \(round)")
      // The process is killed: nothing is closed, everything that was written is there.
      disk = disk.copy()
      store = try Store.open(on: disk, options: Fixture.options, describedAs: "memory")
      operations = try operations.moved(to: FileSystem(try store.volume(Reference("main"))))
      try verify(operations, store, "seed \(seed), round \(round), opened again")
    }
  }

  private func verify(_ operations: RandomOperations, _ store: Store, _ place: String) throws {
    do { try operations.model.compare(with: operations.files) } catch { Issue.record("\(place): \(error)") }
    #expect(operations.files.volume.usage == operations.model.usage, "\(place)")
    #expect(try store.check().problems.map { "\($0)" } == [], "\(place)")
  }
}
