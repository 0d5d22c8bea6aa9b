public import SystemIO

public enum TreeError: Error, Sendable {
  /// A node is not what was written; the text names it.
  case damaged(String)
  case storage(Errno)
  /// The disk would have to be waited for, and the caller may not.
  case wouldBlock
  /// A node has to be read from the disk first. Never leaves this module.
  case notResident(NodeReference)
}
