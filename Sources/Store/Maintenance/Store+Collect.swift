import Ledger
import Synchronization
import SystemIO
import Tree

// Garbage collection marks from immutable roots, removes the segments that nothing reaches, and punches dead blocks
// out of ledger segments that are dead for a good part.
//
// It begins with a checkpoint. Its roots are what that froze: all heads, fork points and pins, the catalog. What is appended
// later stands in younger segments, which are not swept, and what it refers to in older ones is either reachable from
// those roots, or was found as a duplicate meanwhile; such a segment is noted and stays. Recovery starts at that
// checkpoint, so it needs no record before it; the older manifest is removed before anything is swept. A crash at any
// point leaves segments that the next collection removes.

/// What a collection found and freed.
public struct CollectionReport: Sendable {
  public var ledgerSegmentsRemoved = 0
  public var indexSegmentsRemoved = 0
  /// Bytes that the disk got back.
  public var bytesFreed: UInt64 = 0
  public var ledgerSegmentsKept = 0
  public var indexSegmentsKept = 0
  public var nodesMarked = 0
}

extension Store {
  /// Frees what no fork and no snapshot reaches. Everything goes on meanwhile.
  ///
  /// - Parameter shouldContinue: asked from time to time; false gives up, and nothing is freed.
  public func collectGarbage(shouldContinue: () -> Bool = { true }) throws(StoreError) -> CollectionReport {
    defer { reserve.restore() }
    return try maintenance.withLock { (state) throws(StoreError) in
      guard lock.withLock({ $0 != nil }) else { throw StoreError(.failed, "collect garbage: the store is closed") }
      let garbage = fullDisk.take()
      ledger.beginMarking()
      do throws(StoreError) {
        // So that what was written up to now can go, and not only what stands before the current segment.
        ledger.beginNewSegment()
        let frozen = try checkpointOnFullDisk(&state)
        let marks = try mark(frozen, shouldContinue)
        return try sweep(frozen, marks)
      } catch {
        ledger.cancelMarking()
        fullDisk.note(garbage)
        throw error
      }
    }
  }

  private func checkpointOnFullDisk(_ state: inout Maintenance) throws(StoreError) -> FrozenStore {
    do throws(StoreError) { return try checkpoint(&state) } catch {
      guard error.kind == .noSpace, reserve.release(for: .collection) else { throw error }
    }
    return try checkpoint(&state)
  }

  private struct Marks {
    var nodes: Set<NodeReference> = []
    var blocks: [UInt32: LiveSlots] = [:]
    var generations: Set<UInt32> = []
  }

  private func mark(_ frozen: FrozenStore, _ shouldContinue: () -> Bool) throws(StoreError) -> Marks {
    var marks = Marks()
    do throws(TreeError) {
      for tree in frozen.trees.dropFirst(options.ledger.sabotage == .freesTooSoon ? 1 : 0) {
        try pool.walk(
          tree, enter: { marks.nodes.insert($0).inserted },
          visit: { (node) throws(TreeError) in
            marks.generations.insert(node.reference.generation)
            guard node.isLeaf else { return }
            for index in 0..<node.count where node.key(index).kind == .extent {
              let extent = try decoding(node.key(index)) { () throws(DecodingFailure) in
                try ExtentItem(decoding: node.value(index))
              }
              do throws(LedgerError) { try ledger.verifyPlace(of: extent.first, count: extent.count) } catch {
                throw .damaged("entry \(node.key(index)): \(error)")
              }
              let first = Int(extent.first.slot)
              marks.blocks[extent.first.segment, default: LiveSlots()].insert(first..<first + Int(extent.count))
            }
          })
        guard shouldContinue() else { throw TreeError.storage(.canceled) }
      }
    } catch {
      if case .storage(.canceled) = error {
        throw StoreError(.canceled, "the collection was canceled; nothing was freed")
      }
      throw StoreError(error, during: "collect garbage")
    }
    return marks
  }

  private func sweep(_ frozen: FrozenStore, _ marks: Marks) throws(StoreError) -> CollectionReport {
    var report = CollectionReport()
    report.nodesMarked = marks.nodes.count
    do throws(LedgerError) {
      // The checkpoint is durable, so older manifests are not needed; and they must not lead to what is about to go.
      try onDisk { () throws(Errno) in try manifests.removeAllButNewest() }
      let swept = try ledger.sweep(before: frozen.manifest.position.segment, live: marks.blocks)
      report.ledgerSegmentsRemoved = swept.removed
      report.ledgerSegmentsKept = swept.kept
      report.bytesFreed = swept.bytesFreed
      for generation in try nodes.numbers()
      where generation < frozen.manifest.nextGeneration && !marks.generations.contains(generation) {
        report.bytesFreed += try nodes.size(generation)
        try nodes.remove(generation)
        report.indexSegmentsRemoved += 1
      }
      report.indexSegmentsKept = try nodes.numbers().count
    } catch {
      throw StoreError(error, during: "collect garbage")
    }
    return report
  }
}
