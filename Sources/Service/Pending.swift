public import Control

/// What waits for the store to offer it.
extension LocalEngine {
  public func head(_ reference: String) throws(Failure) -> HeadReport { throw .pending }
  public func diff(_ request: DiffRequest) throws(Failure) -> [Change] { throw .pending }
  public func log(_ request: LogRequest) throws(Failure) -> [LogEntry] { throw .pending }
  public func importDirectory(
    _ request: ImportRequest, progress: ProgressHandler
  ) throws(Failure) -> TransferReport { throw .pending }
  public func exportDirectory(
    _ request: ExportRequest, progress: ProgressHandler
  ) throws(Failure) -> TransferReport { throw .pending }
  public func collectGarbage(progress: ProgressHandler) throws(Failure) -> CollectionReport { throw .pending }
  public func check(progress: ProgressHandler) throws(Failure) -> CheckReport { throw .pending }
}

extension Failure {
  fileprivate static let pending = Failure(.notSupported, "this build of tine cannot do that yet")
}
