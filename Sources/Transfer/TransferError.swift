public import Store
public import SystemIO

/// Why a transfer failed, and where.
public struct TransferError: Error, Sendable {
  public enum Reason: Sendable {
    /// A call on a file of the host, or on its copy in the store.
    case call(Errno)
    case store(StoreError)
    /// Whoever watched the progress has had enough.
    case canceled
    /// What is imported is not what it was a moment ago: it was removed, replaced, moved or cut short.
    case changed
    /// Somebody has made what an export was to make.
    case taken
    /// An export fills empty directories only.
    case notEmpty
    /// A store is neither imported into itself nor exported into itself.
    case isStore
  }

  public let reason: Reason
  /// The path, from the directory's own on.
  public let path: [UInt8]
  /// Whether some of what a failed export had made could not be removed again.
  public var leavesRemains = false

  init(_ reason: Reason, at path: [UInt8]) {
    self.reason = reason
    self.path = path
  }

  init(_ error: Errno, at path: [UInt8]) { self.init(error == .canceled ? .canceled : .call(error), at: path) }
}

/// Adds to the error of a call the path that it was about.
func at<Result: ~Copyable>(
  _ path: @autoclosure () -> [UInt8], _ body: () throws(Errno) -> Result
) throws(TransferError) -> Result {
  do throws(Errno) { return try body() } catch { throw TransferError(error, at: path()) }
}

/// The same for something that was there a moment ago.
func stillAt<Result: ~Copyable>(
  _ path: @autoclosure () -> [UInt8], _ body: () throws(Errno) -> Result
) throws(TransferError) -> Result {
  do throws(Errno) { return try body() } catch {
    let hasChanged = Errno.signsOfChange.contains(error)
    throw hasChanged ? TransferError(.changed, at: path()) : TransferError(error, at: path())
  }
}

extension Errno {
  fileprivate static let signsOfChange: Set<Errno> = [
    .noSuchFile, .notDirectory, .tooManySymbolicLinks, .noSuchDeviceOrAddress, .stale,
  ]
}
