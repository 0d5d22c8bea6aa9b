public import Control
import Store

extension LocalEngine {
  public func collectGarbage(progress: ProgressHandler) throws(Failure) -> Control.CollectionReport {
    let store = try store()
    var steps: UInt64 = 0
    return try translating { () throws(StoreError) in
      let report = try store.collectGarbage {
        steps += 1
        return progress(Progress(activity: "collecting", done: steps, unit: .steps))
      }
      return Control.CollectionReport(
        freedBytes: report.bytesFreed,
        freedSegments: UInt64(report.ledgerSegmentsRemoved + report.indexSegmentsRemoved),
        keptSegments: UInt64(report.ledgerSegmentsKept + report.indexSegmentsKept))
    }
  }

  /// Writes down what the next start would have to replay.
  public func takeCheckpoint() throws(Failure) {
    let store = try store()
    try translating { () throws(StoreError) in try store.checkpoint() }
  }

  public func check(progress: ProgressHandler) throws(Failure) -> Control.CheckReport {
    let store = try store()
    return try translating { () throws(StoreError) in
      let report = try store.check { step in
        progress(Progress(activity: "checking \(step.head)", done: UInt64(step.blocks), unit: .blocks))
      }
      return Control.CheckReport(report)
    }
  }
}

extension Control.CheckReport {
  init(_ report: StoredCheckReport) {
    self.init(
      heads: UInt64(report.heads), entries: UInt64(report.inodes), nodes: UInt64(report.nodes),
      blocks: UInt64(report.blocks), records: UInt64(report.records),
      problems: report.problems.map { problem in
        Problem(
          name: problem.head, path: problem.path.map { String(decoding: $0, as: UTF8.self) }, message: problem.message)
      })
  }
}
