import FileSystem
import Ledger
import SystemIO
import TestSupport

@testable import Store

/// What a store did after a crash that it must not do.
struct Violation: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}

/// A crash: after how many effects, and what it leaves of those that were not synchronized.
struct CrashPoint: Hashable {
  var effects: Int
  var survival: Survival
}

extension Recording {
  /// Recovers what a crash left, and throws where that is not one prefix of what was done, for all forks and snapshots, with every
  /// flush in it that was acknowledged.
  func verify(_ image: DiskImage, after crash: CrashPoint) throws {
    let disk = RecordingDisk(image)
    let store = try Store.open(on: disk, options: Workload.options, describedAs: "simulation")
    let (lsn, effects) = (store.ledger.lastLSN, disk.effects)
    try verify(store, atLeast: leastLSN(after: crash.effects, crash.survival))
    guard case .some(let seed) = crash.survival, seed % 8 == 0 else { return }
    try verifyCrashesOfRecovery(from: image, effects, lsn)
    try verifyUse(of: store)
  }

  private func verify(_ store: Store, atLeast least: UInt64) throws {
    let lsn = store.ledger.lastLSN
    guard lsn >= least else { throw Violation("it ends at LSN \(lsn), and \(least) was acknowledged") }
    guard let moment = moment(at: lsn) else { throw Violation("it ends at LSN \(lsn), before everything") }
    let names = Set(store.heads().map(\.name))
    guard names == Set(moment.models.keys) else {
      throw Violation("at LSN \(lsn) it has \(names.sorted()), not \(moment.models.keys.sorted())")
    }
    for (name, model) in moment.models.sorted(by: { $0.key < $1.key }) {
      do {
        let files = FileSystem(try store.volume(Reference(name)))
        if !files.isReadOnly { try files.purgeOrphans() }
        try model.compare(with: files)
      } catch {
        let problems = (try? store.check().problems.map(\.message)) ?? []
        throw Violation("at LSN \(lsn), \(name): \(error); check says: \(problems)")
      }
    }
    for (name, model) in moment.forkPoints.sorted(by: { $0.key < $1.key }) {
      do {
        try model.compare(with: FileSystem(store.compareWithForkPoint(Reference(name)).old))
      } catch {
        throw Violation("at LSN \(lsn), what \(name) began with: \(error)")
      }
    }
    let problems = try store.check().problems
    if !problems.isEmpty { throw Violation("at LSN \(lsn), check says: \(problems)") }
  }

  /// A crash during recovery changes nothing: the next one ends at the same LSN.
  private func verifyCrashesOfRecovery(from image: DiskImage, _ effects: [Effect], _ lsn: UInt64) throws {
    var images = CrashImages(image)
    for (index, effect) in effects.enumerated() {
      images.apply(effect)
      let again = images.image(.some(seed: UInt64(index)))
      let store = try Store.open(on: RecordingDisk(again), options: Workload.options, describedAs: "simulation")
      guard store.ledger.lastLSN == lsn else {
        let end = store.ledger.lastLSN
        throw Violation("a crash of its recovery after effect \(index) moved its end from \(lsn) to \(end)")
      }
      try verify(store, atLeast: lsn)
    }
  }

  /// A recovered store goes on working.
  private func verifyUse(of store: Store) throws {
    for head in store.heads() where head.kind == .fork {
      let files = FileSystem(try store.volume(Reference(head.name)))
      let user = Credentials(user: 1, group: 1)
      _ = try files.mknod(FileSystem.rootInode, Array("after the crash".utf8), mode: 0o100600, device: 0, user)
      try files.fsync()
    }
    try store.checkpoint()
    _ = try store.collectGarbage()
    let problems = try store.check().problems
    if !problems.isEmpty { throw Violation("in use again, check says: \(problems)") }
  }
}
