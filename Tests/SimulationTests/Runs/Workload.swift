import FileSystem
import Ledger
import SystemIO
import TestSupport

@testable import Store

/// Carries steps out on a store and on models of its forks.
struct Workload {
  /// Small sizes, so that segments roll and nodes split within a few steps.
  static var options: StoreOptions {
    var options = StoreOptions()
    options.checkpointsInBackground = false
    options.cleanNodes = 64
    options.reservedBytes = 1 << 10
    options.ledger.segmentSize = 24 << 10
    options.ledger.allocationStep = 4 << 10
    options.ledger.hintCapacity = 1 << 8
    options.ledger.zeroedAhead = 8 << 10
    return options
  }

  private static let user = Credentials(user: 5, group: 6)

  let disk: RecordingDisk
  private var options = Self.options
  private(set) var store: Store
  private(set) var recording: Recording
  private var forks: [(name: String, operations: RandomOperations)] = []
  private var snapshots: [String: ModelFileSystem] = [:]
  private var forkPoints: [String: ModelFileSystem] = [:]
  private var count = 0
  /// The last LSN whose moment is noted.
  private var noted: UInt64 = 0

  /// A new store with one fork and a few files, flushed and checkpointed.
  ///
  /// - Parameters:
  ///   - sabotage: a mistake of the store.
  ///   - omission: a call that it forgets, once the store is made.
  init(sabotage: Sabotage? = nil, omission: RecordingDisk.Omission? = nil) throws {
    disk = RecordingDisk()
    options.ledger.sabotage = sabotage
    recording = Recording(start: DiskImage(directories: [""], files: [:]))
    try Store.create(on: disk, describedAs: "simulation")
    store = try Store.open(on: disk, options: options, describedAs: "simulation")
    _ = try store.createFork(named: "f0")
    var operations = try RandomOperations(files("f0"), largestSize: 30_000)
    try FileStep.prepare(operations.files, &operations.model)
    forks = [("f0", operations)]
    try store.checkpoint()
    acknowledge(through: store.ledger.lastLSN)
    noteIfChanged()
    recording.firstEffect = disk.effectCount
    disk.omit(omission)
  }

  private func files(_ name: String) throws -> FileSystem { FileSystem(try store.volume(Reference(name))) }

  /// What the forks hold now is what they hold from the next LSN on. A step may be several records, such as a name that goes and
  /// then its inode: the first one has done what can be seen.
  private mutating func noteIfChanged() {
    guard store.ledger.lastLSN > noted else { return }
    var models = snapshots
    for (name, operations) in forks { models[name] = operations.model }
    for name in models.keys { models[name]!.dropNameless() }
    let begun = forkPoints.filter { models[$0.key] != nil }
    recording.moments.append(Moment(lsn: noted + 1, effects: disk.effectCount, models: models, forkPoints: begun))
    noted = store.ledger.lastLSN
  }

  private mutating func acknowledge(through lsn: UInt64) {
    recording.acknowledgements.append(Acknowledgement(effects: disk.effectCount, lsn: lsn))
  }

  /// What was done so far.
  func finished() -> Recording {
    var recording = recording
    recording.effects = disk.effects
    return recording
  }

  /// Carries a step out; one that has nothing to work on is left out.
  mutating func run(_ step: Step) throws {
    count += 1
    let before = store.ledger.lastLSN
    switch step {
    case .file(let step, let index):
      guard index < forks.count else { return }
      try step.run(forks[index].operations.files, &forks[index].operations.model)
    case .random(let seed, let steps, let index):
      var random = SeededRandom(seed: seed)
      let index = index % forks.count
      for _ in 0..<steps {
        let model = forks[index].operations.model
        do {
          try forks[index].operations.step(&random)
        } catch {
          // A record that was appended all the same has done what was asked for.
          if store.ledger.lastLSN == noted { forks[index].operations.model = model }
          throw error
        }
        noteIfChanged()
      }
    case .flush(let index):
      let (name, operations) = forks[index % forks.count]
      let lsn = try store.head(Reference(name)).lastLSN
      try operations.files.fsync()
      acknowledge(through: lsn)
    case .fork(let index): try fork(index % forks.count)
    case .snapshot(let index):
      let (name, operations) = forks[index % forks.count]
      _ = try store.snapshot(Reference(name), as: "s\(count)")
      snapshots["\(name)@s\(count)"] = operations.model
    case .drop(let index): try drop(index)
    case .checkpoint:
      try store.checkpoint()
      acknowledge(through: before)
    case .collect: _ = try store.collectGarbage()
    case .reopen: try reopen()
    }
    noteIfChanged()
  }

  /// Carries a step out on a disk that may fail; false where it did not succeed. An error has changed nothing, unless a record was
  /// appended all the same.
  mutating func attempt(_ step: Step) throws -> Bool {
    let faults = disk.faults
    do {
      try run(step)
      return true
    } catch {
      guard disk.faults > faults else { throw error }
      if store.ledger.lastLSN > noted {
        // A name went, say, and its inode could not. Nothing was acknowledged.
        noteIfChanged()
        recording.moments[recording.moments.count - 1].effects = .max
      }
      return false
    }
  }

  private mutating func fork(_ index: Int) throws {
    guard forks.count < 4 else { return }
    let name = "f\(count)"
    _ = try store.fork(Reference(forks[index].name), as: name)
    var copy = forks[index].operations
    copy.files = try files(name)
    copy.model.dropNameless()
    forkPoints[name] = copy.model
    try copy.files.purgeOrphans()
    forks.append((name, copy))
  }

  private mutating func drop(_ index: Int) throws {
    if let name = snapshots.keys.sorted().first, index % 2 == 1 {
      try store.drop(Reference(name))
      snapshots[name] = nil
    } else {
      guard forks.count > 1 else { return }
      let index = index % forks.count
      let (name, model) = (forks[index].name, named(forks[index].operations.model))
      guard !snapshots.keys.contains(where: { $0.hasPrefix("\(name)@") }) else { return }
      forks.remove(at: index)
      do {
        try store.drop(Reference(name))
      } catch {
        let files = try files(name)
        forks.insert((name, RandomOperations(resuming: files, model: model, largestSize: 30_000)), at: index)
        throw error
      }
    }
  }

  private mutating func reopen() throws {
    let lsn = store.ledger.lastLSN
    let names = forks.map(\.name)
    let models = forks.map { named($0.operations.model) }
    forks = []
    try store.close()
    acknowledge(through: lsn)
    store = try Store.open(on: disk, options: options, describedAs: "simulation")
    for (name, model) in zip(names, models) {
      let files = try files(name)
      try files.purgeOrphans()
      forks.append((name, RandomOperations(resuming: files, model: model, largestSize: 30_000)))
    }
  }

  private func named(_ model: ModelFileSystem) -> ModelFileSystem {
    var copy = model
    copy.dropNameless()
    return copy
  }
}
