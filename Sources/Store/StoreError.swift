public import Ledger
public import SystemIO
public import Tree

/// What can go wrong with a store, in words for a person.
public struct StoreError: Error, Sendable, CustomStringConvertible {
  public enum Kind: String, Sendable {
    case notAStore, storeExists, storeInUse, newerFormat, damaged, nameTaken, noSuchName, invalidName, notSupported,
      conflict, noSpace,
      readOnly, canceled, failed
  }

  public let kind: Kind
  public let message: String
  /// What to do about it.
  public let hint: String?

  public init(_ kind: Kind, _ message: String, hint: String? = nil) {
    self.kind = kind
    self.message = message
    self.hint = hint
  }

  public var description: String { message }
}

extension StoreError {
  public init(_ error: Errno, during action: String) {
    switch error {
    case .noSpace:
      self.init(
        .noSpace, "\(action): the disk of the store is full",
        hint: "free space on it, or drop forks and run 'tine gc'")
    default: self.init(.failed, "\(action): \(error)")
    }
  }

  public init(_ error: LedgerError, during action: String) {
    switch error {
    case .storage(let error): self.init(error, during: action)
    case .stopped(let error):
      self.init(
        .failed, "\(action): the store has stopped, because its disk failed a flush (\(error))",
        hint: "check the disk, then restart the daemon; everything acknowledged by fsync before is safe")
    case .damaged(let place): self.init(damage: place)
    case .newerFormat(let version): self.init(newerFormat: version)
    case .wouldBlock: self.init(.failed, "\(action): the data is not in memory")
    }
  }

  public init(_ error: TreeError, during action: String) {
    switch error {
    case .storage(let error): self.init(error, during: action)
    case .damaged(let place): self.init(damage: place)
    case .wouldBlock: self.init(.failed, "\(action): the data is not in memory")
    case .notResident(let node): preconditionFailure("node \(node) is not in memory, and that left the tree")
    }
  }

  init(newerFormat version: UInt32) {
    self.init(
      .newerFormat, "the store has format \(version), which is newer than this version of tine knows",
      hint: "use the version of tine that made it, or a newer one")
  }

  init(damage place: String) {
    self.init(.damaged, "the store is damaged: \(place)", hint: "run 'tine check' to see what is affected")
  }
}

/// Runs calls of the storage door, and says what was being done where they fail.
func storing<Result>(
  _ action: @autoclosure () -> String, _ body: () throws(Errno) -> Result
) throws(StoreError) -> Result {
  do throws(Errno) { return try body() } catch { throw StoreError(error, during: action()) }
}
