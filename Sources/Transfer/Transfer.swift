import Store
import Synchronization
import SystemIO

/// How far an import or export has come.
public struct TransferProgress: Sendable {
  /// Entries of directories, of any type.
  public var entries: UInt64 = 0
  /// Bytes of content, holes left out.
  public var bytes: UInt64 = 0
}

/// Counts what a transfer does, and passes it on; any thread may add.
final class TransferMeter: Sendable {
  private let state = Mutex(TransferProgress())
  private let canceled = Atomic(false)
  private let report: @Sendable (TransferProgress) -> Bool

  init(_ report: @escaping @Sendable (TransferProgress) -> Bool) { self.report = report }

  /// - Throws: `canceled` when whoever watches has had enough.
  func add(entries: UInt64 = 0, bytes: UInt64 = 0) throws(Errno) {
    let progress = state.withLock { state in
      state.entries += entries
      state.bytes += bytes
      return state
    }
    if canceled.load(ordering: .relaxed) { throw .canceled }
    if !report(progress) {
      canceled.store(true, ordering: .relaxed)
      throw .canceled
    }
  }

  var total: TransferProgress { state.withLock { $0 } }
}

/// A path joined to a name.
func join(_ directory: [UInt8], _ name: [UInt8]) -> [UInt8] { directory + [UInt8(ascii: "/")] + name }

/// What failed, with the path where it did.
struct TransferFailure: Error {
  let path: [UInt8]
  let errno: Errno

  func storeError(_ action: String) -> StoreError {
    if errno == .canceled {
      return StoreError(.canceled, "the \(action) was canceled; what it had made is removed")
    }
    return StoreError(errno, during: "\(action) of \(Quoting.quoted(path))")
  }
}

/// Wraps the error of a call with the path that it was about.
func at<Result>(_ path: [UInt8], _ body: () throws(Errno) -> Result) throws(TransferFailure) -> Result {
  do throws(Errno) { return try body() } catch { throw TransferFailure(path: path, errno: error) }
}
