public import SystemIO

public enum TreeError: Error, Sendable {
  /// A node is not what was written; the text names it.
  case damaged(String)
  case storage(Errno)
  /// A node has to be read from the disk first. Never leaves this module.
  case notResident(NodeReference)
}
