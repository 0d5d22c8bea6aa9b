/// What differs at one path between an old and a new state.
public struct Change: Hashable, Sendable {
  public enum Kind: String, Sendable {
    case added, removed, modified, renamed
  }

  /// An attribute of an inode that a diff reports. Times are not among them: they change whenever anything does.
  public enum Attribute: String, Sendable {
    case mode, owner, group, size, device, extendedAttributes
  }

  public var kind: Kind
  /// Relative to the root of the fork, without a slash before it. Bytes, which need not be UTF-8.
  public var path: [UInt8]
  /// Of something renamed, the path in the old state.
  public var oldPath: [UInt8]?
  /// The type bits of the mode.
  public var type: UInt32
  public var oldSize: UInt64
  public var newSize: UInt64
  /// The pages of 4 KiB whose bytes differ, in order, neighbours joined.
  public var pages: [Range<UInt64>]
  public var attributes: [Attribute]

  /// How many pages differ.
  public var changedPages: UInt64 { pages.reduce(0) { $0 + UInt64($1.count) } }
}
