public import Control
import Store
import Transfer

extension LocalEngine {
  public func importDirectory(
    _ request: ImportRequest, progress: @escaping ProgressHandler
  ) throws(Failure) -> TransferReport {
    let store = try store()
    let directory = try text(request.directory)
    return try translating { () throws(StoreError) in
      let (head, total) = try Transfer.importDirectory(directory, into: store, as: request.name) { step in
        progress(Progress(activity: "importing \(request.name)", done: step.bytes, unit: .bytes))
      }
      return TransferReport(name: head.name, entries: total.entries, bytes: total.bytes)
    }
  }

  public func exportDirectory(
    _ request: ExportRequest, progress: @escaping ProgressHandler
  ) throws(Failure) -> TransferReport {
    let store = try store()
    let directory = try text(request.directory)
    return try translating { () throws(StoreError) in
      let reference = try Reference(request.reference)
      let head = try store.head(reference)
      let total = try Transfer.exportDirectory(reference, of: store, to: directory) { step in
        progress(Progress(activity: "exporting \(head.name)", done: step.bytes, total: head.bytes, unit: .bytes))
      }
      return TransferReport(name: head.name, entries: total.entries, bytes: total.bytes)
    }
  }

  private func text(_ directory: BytePath) throws(Failure) -> String {
    guard let text = String(validating: directory.bytes, as: UTF8.self) else {
      throw Failure(.notSupported, "the directory's own path must be UTF-8; the names in it need not be")
    }
    return text
  }
}
