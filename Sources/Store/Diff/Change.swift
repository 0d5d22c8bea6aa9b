/// What differs at one path between an old and a new state.
public struct Change: Hashable, Sendable {
  public enum Kind: String, Sendable {
    case added, removed, modified, renamed
  }

  /// An attribute of an inode that a diff reports. Times are not among them: they change whenever anything does.
  public enum Attribute: String, Sendable {
    case mode, owner, group, size, device, target, extendedAttributes
  }

  /// What is at the path in one state.
  public struct Side: Hashable, Sendable {
    public let inode: InodeNumber
    /// Type and permissions, as in st_mode.
    public let mode: UInt32
    public let size: UInt64
    /// Relative to the root of the fork, without a slash before it; the root itself is ".". Bytes, which need not be
    /// UTF-8.
    public let path: [UInt8]
  }

  public let kind: Kind
  /// None for what was added. Of something below a renamed directory, its path has the old name.
  public let old: Side?
  /// None for what was removed.
  public let new: Side?
  /// The pages of 4 KiB whose bytes differ, in order, neighbours joined; of something that was added, those that are
  /// stored.
  public let pages: [Range<UInt64>]
  public let attributes: [Attribute]

  /// The path in the new state, or in the old one for what was removed.
  public var path: [UInt8] { (new ?? old)?.path ?? [] }
  /// Of something renamed, the path in the old state.
  public var oldPath: [UInt8]? { kind == .renamed ? old?.path : nil }
  /// The type bits of the mode.
  public var type: UInt32 { ((new ?? old)?.mode ?? 0) & 0o170000 }
  public var oldSize: UInt64 { old?.size ?? 0 }
  public var newSize: UInt64 { new?.size ?? 0 }

  /// How many pages differ.
  public var changedPages: UInt64 { pages.reduce(0) { $0 + UInt64($1.count) } }
}
