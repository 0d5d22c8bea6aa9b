public import Control
import Store

extension LocalEngine {
  public func collectGarbage(progress: ProgressHandler) throws(Failure) -> Control.CollectionReport {
    let store = try writableStore()
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

  /// Writes down what the next start would have to replay, unless the disk is full or the store may not be written to.
  public func takeCheckpoint() throws(Failure) {
    guard writes else { return }
    let store = try store()
    try translating { () throws(StoreError) in
      do throws(StoreError) { try store.checkpoint() } catch {
        guard error.kind == .noSpace else { throw error }
      }
    }
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

extension LocalEngine {
  /// Puts right what is damaged in a store that nobody has open, as far as that can be done, and checks it.
  public static func repair(
    _ directory: String, patience: Int = 3000, progress: ProgressHandler
  ) throws(Failure) -> Control.CheckReport {
    try whenFree(directory, patience) { () throws(StoreError) in
      try refuseIfReadByDaemon(directory)
      let report = try Store.repair(at: directory) { step in
        progress(Progress(activity: "checking \(step.head)", done: UInt64(step.blocks), unit: .blocks))
      }
      return Control.CheckReport(report.check, repairs: report.repairs, failure: report.failure.map { Failure($0) })
    }
  }
}

extension Control.CheckReport {
  init(_ report: StoredCheckReport, repairs: [String]? = nil, failure: Failure? = nil) {
    self.init(
      heads: UInt64(report.heads), entries: UInt64(report.inodes), nodes: UInt64(report.nodes),
      blocks: UInt64(report.blocks), records: UInt64(report.records),
      problems: report.problems.map { Problem($0) }, repairs: repairs, failure: failure)
  }
}

extension Control.CheckReport.Problem {
  init(_ problem: CheckProblem) {
    self.init(
      name: problem.head, paths: problem.paths.map { BytePath($0) },
      pages: problem.pages.map { Change.PageRange(first: $0.lowerBound, last: $0.upperBound) },
      inodes: problem.inodes.map { Control.CheckReport.InodeRange(first: $0.lowerBound, last: $0.upperBound) },
      message: problem.message)
  }
}
