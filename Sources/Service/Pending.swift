public import Control

/// What waits for transfers.
extension LocalEngine {
  public func importDirectory(
    _ request: ImportRequest, progress: @escaping ProgressHandler
  ) throws(Failure) -> TransferReport { throw .pending }
  public func exportDirectory(
    _ request: ExportRequest, progress: @escaping ProgressHandler
  ) throws(Failure) -> TransferReport { throw .pending }
}

extension Failure {
  fileprivate static let pending = Failure(.notSupported, "this build of tine cannot do that yet")
}
