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
  /// Where it is mounted now.
  public let mount: Mount?

  public init(
    name: String, kind: Kind, parent: String?, created: Moment, createdAt: UInt64, changedAt: UInt64,
    mount: Mount? = nil
  ) {
    self.name = name
    self.kind = kind
    self.parent = parent
    self.created = created
    self.createdAt = createdAt
    self.changedAt = changedAt
    self.mount = mount
  }

  /// The same head, with the place where it is mounted.
  public func mounted(_ mount: Mount?) -> Head {
    Head(
      name: name, kind: kind, parent: parent, created: created, createdAt: createdAt, changedAt: changedAt,
      mount: mount)
  }

  enum CodingKeys: String, CodingKey {
    case name, kind, parent, created, mount
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

/// What a head holds, and what dropping it would free.
public struct Usage: Codable, Sendable {
  public let files: UInt64
  public let directories: UInt64
  /// The length of all its files together.
  public let bytes: UInt64
  /// Stored bytes that only this head refers to.
  public let ownBytes: UInt64
  /// Stored bytes that it shares with others.
  public let sharedBytes: UInt64

  public init(files: UInt64, directories: UInt64, bytes: UInt64, ownBytes: UInt64, sharedBytes: UInt64) {
    self.files = files
    self.directories = directories
    self.bytes = bytes
    self.ownBytes = ownBytes
    self.sharedBytes = sharedBytes
  }
}

/// Asks for a new fork: of `source`, or an empty one where there is no source.
public struct ForkRequest: Codable, Sendable {
  public let source: String?
  public let name: String

  public init(source: String?, name: String) {
    self.source = source
    self.name = name
  }
}

/// Asks for a snapshot of a fork's present state, `FORK@NAME`.
public struct SnapshotRequest: Codable, Sendable {
  public let fork: String
  public let name: String

  public init(fork: String, name: String) {
    self.fork = fork
    self.name = name
  }
}
