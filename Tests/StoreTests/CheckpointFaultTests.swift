import FileSystem
import Ledger
import Synchronization
import SystemIO
import TestSupport
import Testing

@testable import Store

/// Checkpoints that fail halfway.
@Suite struct CheckpointFaultTests {
  /// The nodes that a failed checkpoint did not write were once forgotten by the next one: that published roots which led nowhere, and the
  /// fork could not be read any more, neither then nor after a new start.
  @Test(arguments: 0..<12)
  func theNextCheckpointWritesWhatAFailedOneDidNot(failing: Int) throws {
    var random = SeededRandom(seed: UInt64(failing))
    let disk = SimulatedDisk()
    let store = try makeStore(on: disk)
    var operations = try store.makeFork("main")
    try operations.run(60, &random)
    try store.checkpoint()
    try operations.run(30, &random)

    let calls = Atomic(0)
    disk.fail { call, path in
      guard !path.hasPrefix("ledger"), call != .read else { return nil }
      return calls.wrappingAdd(1, ordering: .relaxed).oldValue == failing ? .noSpace : nil
    }
    let failed = (try? store.checkpoint()) == nil
    disk.fail(nil)
    #expect(failed || failing > 8, "only the last steps of a checkpoint can fail without harm")

    if random.oneIn(2) { try operations.run(20, &random) }
    _ = try operations.verified(in: openStore(on: disk.afterKill()))
    try store.checkpoint()
    try operations.model.compare(with: operations.files)
    #expect(try store.problems == [])
    let reopened = try openStore(on: disk.afterPowerCut(seed: UInt64(failing)))
    #expect(reopened.recovery.replayed == 0)
    _ = try operations.verified(in: reopened)
    #expect(try reopened.problems == [])
  }
}
