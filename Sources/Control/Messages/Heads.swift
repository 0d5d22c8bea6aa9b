/// A fork or a snapshot.
public struct Head: Codable, Hashable, Sendable {
  public enum Kind: String, Codable, Sendable { case fork, snapshot }

  /// `prod`, or `prod@before` for a snapshot.
  public let name: String
  public let kind: Kind
  /// The fork or snapshot it was taken from; none for what was made from nothing or imported.
  public let parent: String?
  public let created: Moment
  /// The place in the ledger where it began, and that of its last change.
  public let createdAt: UInt64
  public let changedAt: UInt64
  /// How many files, directories and so on it holds, and how many bytes of content in whole pages.
  public let entries: UInt64
  public let bytes: UInt64
  /// Where it is mounted now.
  public let mount: Mount?

  public init(
    name: String, kind: Kind, parent: String?, created: Moment, createdAt: UInt64, changedAt: UInt64,
    entries: UInt64, bytes: UInt64, mount: Mount? = nil
  ) {
    self.name = name
    self.kind = kind
    self.parent = parent
    self.created = created
    self.createdAt = createdAt
    self.changedAt = changedAt
    self.entries = entries
    self.bytes = bytes
    self.mount = mount
  }

  /// The same head, with the place where it is mounted.
  public func mounted(_ mount: Mount?) -> Head {
    Head(
      name: name, kind: kind, parent: parent, created: created, createdAt: createdAt, changedAt: changedAt,
      entries: entries, bytes: bytes, mount: mount)
  }

  enum CodingKeys: String, CodingKey {
    case name, kind, parent, created, entries, bytes, mount
    case createdAt = "createdLsn"
    case changedAt = "changedLsn"
  }
}

/// What `show` tells of one head: itself, its lineage and the space it takes.
public struct HeadReport: Codable, Sendable {
  public let head: Head
  /// Its ancestors, the nearest first, as far as they still exist.
  public let ancestors: [String]
  /// The forks and snapshots that were taken from it and still exist.
  public let children: [String]
  public let usage: Usage

  public init(head: Head, ancestors: [String], children: [String], usage: Usage) {
    self.head = head
    self.ancestors = ancestors
    self.children = children
    self.usage = usage
  }
}

/// What a head holds, in bytes of whole pages as its files have them (compression is not counted).
public struct Usage: Codable, Sendable {
  /// Files, directories and the rest.
  public let entries: UInt64
  public let bytes: UInt64
  /// What it has and the one that it was taken from has not.
  public let ownBytes: UInt64
  /// The rest, which it shares with the one that it was taken from.
  public var sharedBytes: UInt64 { bytes - min(bytes, ownBytes) }

  public init(entries: UInt64, bytes: UInt64, ownBytes: UInt64) {
    self.entries = entries
    self.bytes = bytes
    self.ownBytes = ownBytes
  }
}

/// Asks for a new fork: of `source`, or an empty one where there is no source.
public struct ForkRequest: Codable, Sendable {
  public let source: String?
  public let name: String
  /// The token of the session with which it is to end; none for a fork that stays.
  public let session: String?

  public init(source: String?, name: String, session: String? = nil) {
    self.source = source
    self.name = name
    self.session = session
  }
}

/// Asks for a snapshot of a fork's present state, `FORK@NAME`.
public struct SnapshotRequest: Codable, Sendable {
  public let fork: String
  public let name: String
  /// The token of the session with which it is to end; none for a snapshot that stays.
  public let session: String?

  public init(fork: String, name: String, session: String? = nil) {
    self.fork = fork
    self.name = name
    self.session = session
  }
}
