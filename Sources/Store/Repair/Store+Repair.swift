import Ledger
import Synchronization
public import SystemIO
import Tree

// Repair brings back what is proven to be what was there: by a checksum, by a digest, or by the ledger, of which trees and catalog are an index.
//
// 1. `format`, manifests, segments: a flipped bit; what stands in two places is taken from the sound one (SegmentRepair).
// 2. The store is opened. Where nodes of its trees cannot be read, they are made anew by replaying the ledger from an older checkpoint, or from its
//    beginning, as far as both are still there (RebuiltTrees). A new checkpoint publishes that, and with it a manifest in the place of a damaged one.
// 3. Blocks that something refers to: a flipped bit, or an equal block in another slot.
//
// 1 and 3 write in place, bytes that are right in the place of ones that are wrong; 2 writes new files and publishes them with a manifest. So a
// crash leaves a store that is no more damaged than before, and repairing it again goes on. Nothing is ever removed, cut off or left out for a repair,
// but for what opening a store does in any case.

/// What a repair did, and what a check found after it.
public struct RepairReport: Sendable {
  /// What was put right, a line each.
  public var repairs: [String] = []
  public var check = CheckReport()
  /// Why the repair ended before it was done; what was put right until then stays so.
  public var failure: StoreError?
}

extension Store {
  /// Repairs the store in a directory of the host that nobody has open.
  public static func repair(
    at path: String, options: StoreOptions = StoreOptions(), progress: (CheckProgress) -> Bool = { _ in true }
  ) throws(StoreError) -> RepairReport {
    try repair(on: DirectoryStorage(path), options: options, describedAs: path.quoted, progress: progress)
  }

  /// - Throws: where the repair cannot begin: there is no store, or somebody has it open. Whatever ends it later is in
  ///   the report, next to what was put right until then, and so is a store that is too damaged to be opened.
  public static func repair(
    on storage: any Storage, options: StoreOptions, describedAs path: String,
    progress: (CheckProgress) -> Bool = { _ in true }
  ) throws(StoreError) -> RepairReport {
    var options = options
    options.checkpointsInBackground = false
    // The lock is a file, which is made where it is missing.
    _ = try superblockBytes(storage, path)
    let lock = try takeLock(storage, path)
    var report = RepairReport()
    do throws(StoreError) {
      report.repairs += try Superblock.correctFlippedBit(on: storage)
      let superblock = try readSuperblock(storage, path)
      try repairFiles(storage, &report)
      let (recovered, repairs) = try openRebuilding(storage, options)
      if let cut = recovered.report.cut {
        report.repairs.append("the ledger: its torn end was cut off, as at every start: \(cut)")
      }
      let store = Store(storage: storage, options: options, lock: lock, superblock: superblock, recovered: recovered)
      try store.dropIncompleteImports()
      try store.repairReachable(&report, rebuilt: repairs, progress)
      try store.close()
    } catch {
      if error.kind == .damaged {
        report.check.problems.append(CheckProblem(message: error.message))
      } else {
        report.failure = error
      }
    }
    return report
  }

  /// What does not depend on the rest of the store.
  private static func repairFiles(_ storage: any Storage, _ report: inout RepairReport) throws(StoreError) {
    let manifests = ManifestFiles(storage: storage)
    try manifests.correctFlippedBits { report.repairs.append("manifest \($0): a flipped bit") }
    let checkpoint = try manifests.valid().first?.position
    for directory in ["ledger", "index"] {
      var repair = SegmentRepair(storage, directory: directory, checkpoint: checkpoint)
      defer { report.repairs += repair.repairs }
      do throws(LedgerError) { try repair.run() } catch {
        throw StoreError(error, during: "repair the \(directory)")
      }
    }
  }

  /// What heads refer to, and the manifests, of a store that is open.
  ///
  /// - Parameter rebuilt: what is right in memory, and becomes durable with a checkpoint.
  private func repairReachable(
    _ report: inout RepairReport, rebuilt: [String], _ progress: (CheckProgress) -> Bool
  ) throws(StoreError) {
    let damaged = try manifests.damaged().map { "manifest \($0.number): a new checkpoint, which makes it needless" }
    let repairs = rebuilt + damaged
    if !repairs.isEmpty { try checkpoint() }
    report.repairs += repairs
    let check = try examine(progress: progress)
    report.check = check.report
    let count = report.repairs.count
    try repair(check.damagedBlocks.keys.sorted { $0.packed < $1.packed }, &report, progress)
    if report.repairs.count > count { report.check = try examine(progress: progress).report }
  }

  private func repair(
    _ blocks: [BlockReference], _ report: inout RepairReport, _ progress: (CheckProgress) -> Bool
  ) throws(StoreError) {
    guard !blocks.isEmpty else { return }
    do throws(LedgerError) {
      var blockRepair = BlockRepair(ledger)
      let equal = try blockRepair.findEqual(blocks)
      for (index, block) in blocks.enumerated() {
        guard progress(CheckProgress(head: "damaged blocks", blocks: index)) else { throw .storage(.canceled) }
        if let repair = try blockRepair.repair(block, from: equal[block] ?? []) {
          report.repairs.append(repair)
        }
      }
    } catch {
      guard case .storage(.canceled) = error else { throw StoreError(error, during: "repair blocks") }
      throw StoreError(.canceled, "the repair was canceled; what was put right stays so")
    }
  }
}

extension Superblock {
  /// Puts a flipped bit of the file `format` right.
  fileprivate static func correctFlippedBit(on storage: any Storage) throws(StoreError) -> [String] {
    do throws(Errno) {
      let file = try storage.open(path, .readingAndWriting)
      guard try file.size() == UInt64(size) else { return [] }
      let isValid: (UnsafeRawBufferPointer) -> Bool = { (try? Superblock.decode([UInt8]($0))) != nil }
      guard let bytes = try file.readable(size, at: 0), !bytes.withUnsafeBytes(isValid),
        try file.correctFlippedBit(at: 0, count: size, isValid)
      else { return [] }
      return ["the file 'format': a flipped bit"]
    } catch {
      throw StoreError(error, during: "repair the store")
    }
  }
}
