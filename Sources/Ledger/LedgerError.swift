public import SystemIO

/// What can go wrong in the ledger and in segment files.
public enum LedgerError: Error, Sendable {
  /// The bytes are not in memory, and the caller asked not to wait.
  case wouldBlock
  /// Bytes on the disk are not what was written; the text names the place.
  case damaged(String)
  /// The files were written by a newer version of Tine.
  case newerFormat(UInt32)
  /// The disk refused.
  case storage(Errno)
  /// A flush failed before: nothing is acknowledged any more until the store is opened anew.
  case stopped(Errno)
}

/// Runs reads of a repair; nil where the disk cannot read. That is damage of the piece that was read like any other,
/// and what else there is can still be repaired. An error of a write or a flush is none, so neither is done in it.
func ifReadable<Result>(_ body: () throws(LedgerError) -> Result) throws(LedgerError) -> Result? {
  do throws(LedgerError) { return try body() } catch {
    guard case .storage(.inputOutput) = error else { throw error }
    return nil
  }
}

/// Runs calls of the storage door and wraps their error number.
@inline(__always)
public func onDisk<Result>(_ body: () throws(Errno) -> Result) throws(LedgerError) -> Result {
  do throws(Errno) { return try body() } catch { throw error == .wouldBlock ? .wouldBlock : .storage(error) }
}
