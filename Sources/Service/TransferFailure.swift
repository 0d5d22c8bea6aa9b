import Control
import Store
import SystemIO
import Transfer

/// Failures of imports and exports, in the words of the API.
extension Failure {
  enum Transferring: String {
    case importing = "import"
    case exporting = "export"

    func of(_ path: [UInt8]) -> String { (self == .importing ? "import of " : "export to ") + Quoting.quoted(path) }
  }

  init(_ error: TransferError, _ transfer: Transferring) {
    let plain = Failure(of: error, transfer)
    guard error.leavesRemains else {
      self = plain
      return
    }
    self.init(plain.kind, "\(plain.message); some of what it had made could not be removed", hint: plain.hint)
  }

  private init(of error: TransferError, _ transfer: Transferring) {
    let place = transfer.of(error.path)
    switch error.reason {
    case .call(.noSpace) where transfer == .exporting:
      self.init(.noSpace, "\(place): the file system is full", hint: "free space on it, or export elsewhere")
    case .call(let error): self.init(StoreError(error, during: place))
    case .store(let error): self.init(error)
    case .canceled: self.init(.canceled, "the \(transfer.rawValue) was canceled; what it had made is removed")
    case .changed:
      self.init(
        .failed, "\(place): it changed meanwhile",
        hint: "stop what writes to the directory first, or import a snapshot of it")
    case .taken:
      self.init(
        .conflict, "\(place): there is something of that name", hint: "name a directory that does not exist yet")
    case .notEmpty:
      self.init(
        .conflict, "\(place): the directory is not empty", hint: "name a directory that does not exist yet")
    case .isStore:
      self.init(
        .conflict, "\(place): this is the store itself, or in it",
        hint: transfer == .importing ? "keep the store outside of what is imported" : "name a directory outside of it")
    }
  }
}
