public import Control
import Store
public import SystemIO
import Transfer

extension LocalEngine {
  public func importDirectory(
    _ request: ImportRequest, progress: @escaping ProgressHandler
  ) throws(Failure) -> TransferReport {
    let directory = try request.openDirectory()
    return try importDirectory(request, from: directory, progress: progress)
  }

  /// Imports what is open; the path of the request is for messages alone.
  public func importDirectory(
    _ request: ImportRequest, from directory: borrowing FileDescriptor, progress: @escaping ProgressHandler
  ) throws(Failure) -> TransferReport {
    let store = try writableStore()
    do throws(TransferError) {
      let (head, total) = try Transfer.importDirectory(
        directory, describedAs: request.directory.bytes, into: store, as: request.name,
        owners: request.keepOwners.map { $0 ? .kept : .importers } ?? .usual
      ) { step in
        progress(Progress(activity: "importing \(request.name)", done: step.bytes, unit: .bytes))
      }
      return TransferReport(name: head.name, entries: total.entries, bytes: total.bytes)
    } catch { throw Failure(error, .importing) }
  }

  public func exportDirectory(
    _ request: ExportRequest, progress: @escaping ProgressHandler
  ) throws(Failure) -> TransferReport {
    switch try ExportTarget(request) {
    case .existing(let target): return try exportDirectory(request, filling: target, progress: progress)
    case .new(let parent, let name): return try exportDirectory(request, into: parent, as: name, progress: progress)
    }
  }

  /// Exports into an empty directory that is open; the path of the request is for messages alone.
  public func exportDirectory(
    _ request: ExportRequest, filling target: borrowing FileDescriptor, progress: @escaping ProgressHandler
  ) throws(Failure) -> TransferReport {
    try export(request, progress) { (reference, store, progress) throws(TransferError) in
      try Transfer.exportDirectory(
        reference, of: store, filling: target, describedAs: request.directory.bytes, progress: progress)
    }
  }

  /// Exports into a new directory of one that is open; the path of the request, which is the new one's, is for messages alone.
  public func exportDirectory(
    _ request: ExportRequest, into parent: borrowing FileDescriptor, as name: [UInt8],
    progress: @escaping ProgressHandler
  ) throws(Failure) -> TransferReport {
    try export(request, progress) { (reference, store, progress) throws(TransferError) in
      try Transfer.exportDirectory(
        reference, of: store, into: parent, as: name, describedAs: request.directory.bytes, progress: progress)
    }
  }

  private typealias StepHandler = @Sendable (TransferProgress) -> Bool

  private func export(
    _ request: ExportRequest, _ progress: @escaping ProgressHandler,
    _ body: (Reference, Store, @escaping StepHandler) throws(TransferError) -> ExportReport
  ) throws(Failure) -> TransferReport {
    let store = try store()
    let (reference, head) = try translating { () throws(StoreError) in
      let reference = try Reference(request.reference)
      return (reference, try store.head(reference))
    }
    do throws(TransferError) {
      let report = try body(reference, store) { step in
        progress(Progress(activity: "exporting \(head.name)", done: step.bytes, total: head.bytes, unit: .bytes))
      }
      return TransferReport(
        name: head.name, entries: report.total.entries, bytes: report.total.bytes,
        leftOut: report.leftOut.map { TransferReport.LeftOut($0) })
    } catch { throw Failure(error, .exporting) }
  }
}

extension TransferReport.LeftOut {
  fileprivate init(_ leftOut: Transfer.LeftOut) {
    self.init(
      kind: Kind(leftOut.kind), reason: Reason(leftOut.reason), entries: leftOut.entries, path: BytePath(leftOut.path))
  }
}

extension TransferReport.LeftOut.Kind {
  fileprivate init(_ kind: Transfer.LeftOut.Kind) {
    self =
      switch kind {
      case .owners: .owners
      case .permissions: .permissions
      case .accessControlLists: .accessControlLists
      case .extendedAttributes: .extendedAttributes
      case .times: .times
      case .hardLinks: .hardLinks
      case .symbolicLinks: .symbolicLinks
      case .specialFiles: .specialFiles
      }
  }
}

extension TransferReport.LeftOut.Reason {
  fileprivate init(_ reason: Transfer.LeftOut.Reason) {
    self =
      switch reason {
      case .notPermitted: .notPermitted
      case .notSupported: .notSupported
      case .tooLarge: .tooLarge
      }
  }
}
