/// One difference between two heads.
public struct Change: Sendable {
  public enum Kind: String, Codable, Sendable {
    case added, deleted, modified, renamed
    /// Only owner, permissions, device number or extended attributes differ.
    case attributes
  }

  public enum FileKind: String, Codable, Sendable {
    case file, directory, symlink, fifo, socket, device
  }

  /// Pages of 4 KiB, both ends included.
  public struct PageRange: Codable, Hashable, Sendable {
    public let first: UInt64
    public let last: UInt64

    public init(first: UInt64, last: UInt64) {
      self.first = first
      self.last = last
    }

    public var count: UInt64 { last - first + 1 }

    public init(from decoder: any Decoder) throws {
      let container = try decoder.container(keyedBy: CodingKeys.self)
      first = try container.decode(UInt64.self, forKey: .first)
      last = try container.decode(UInt64.self, forKey: .last)
      guard first <= last, last < 1 << 52 else {
        throw DecodingError.dataCorruptedError(forKey: .last, in: container, debugDescription: "not a range of pages")
      }
    }
  }

  /// The path in the newer head, or in the older one for what was deleted.
  public let path: BytePath
  /// The path in the older head, where it was renamed.
  public let oldPath: BytePath?
  public let change: Kind
  public let kind: FileKind
  /// The pages whose bytes differ.
  public let pages: [PageRange]
  /// The attributes that differ: `mode`, `owner`, `group`, `size`, `device`, `target` (of a symbolic link), `xattrs`.
  public let attributes: [String]
  public let oldSize: UInt64?
  public let newSize: UInt64?
  /// Where it was asked for, a patch of the content, mode and path of a file or symbolic link.
  public let patch: [UInt8]?

  public init(
    path: BytePath, oldPath: BytePath? = nil, change: Kind, kind: FileKind, pages: [PageRange] = [],
    attributes: [String] = [], oldSize: UInt64? = nil, newSize: UInt64? = nil, patch: [UInt8]? = nil
  ) {
    self.path = path
    self.oldPath = oldPath
    self.change = change
    self.kind = kind
    self.pages = pages
    self.attributes = attributes
    self.oldSize = oldSize
    self.newSize = newSize
    self.patch = patch
  }

  /// How many bytes of content changed: whole pages, but never more than the longer side has.
  public var changedBytes: UInt64 {
    let limit = max(oldSize ?? 0, newSize ?? 0)
    return pages.reduce(0) { sum, range in min(sum + min(range.count * 4096, limit - sum), limit) }
  }
}

extension Change: Codable {
  enum CodingKeys: String, CodingKey {
    case path, pathBytes, oldPath, oldPathBytes, change, kind, pages, attributes, oldSize, newSize, patch, patchBytes
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    path = try container.decodePath(forKey: .path, bytesKey: .pathBytes)
    oldPath = try container.decodePathIfPresent(forKey: .oldPath, bytesKey: .oldPathBytes)
    change = try container.decode(Kind.self, forKey: .change)
    kind = try container.decode(FileKind.self, forKey: .kind)
    pages = try container.decodeIfPresent([PageRange].self, forKey: .pages) ?? []
    attributes = try container.decodeIfPresent([String].self, forKey: .attributes) ?? []
    oldSize = try container.decodeIfPresent(UInt64.self, forKey: .oldSize)
    newSize = try container.decodeIfPresent(UInt64.self, forKey: .newSize)
    patch = try container.decodePathIfPresent(forKey: .patch, bytesKey: .patchBytes)?.bytes
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(path, forKey: .path, bytesKey: .pathBytes)
    if let oldPath { try container.encode(oldPath, forKey: .oldPath, bytesKey: .oldPathBytes) }
    try container.encode(change, forKey: .change)
    try container.encode(kind, forKey: .kind)
    if !pages.isEmpty { try container.encode(pages, forKey: .pages) }
    if !attributes.isEmpty { try container.encode(attributes, forKey: .attributes) }
    try container.encodeIfPresent(oldSize, forKey: .oldSize)
    try container.encodeIfPresent(newSize, forKey: .newSize)
    if let patch { try container.encode(BytePath(patch), forKey: .patch, bytesKey: .patchBytes) }
  }
}

/// Asks what changed from one head to another.
public struct DiffRequest: Codable, Sendable {
  /// None for what `new` began with when it was forked.
  public let old: String?
  public let new: String
  /// Whether the last state that both have in common is compared in the place of the old one.
  public let common: Bool?
  /// Whether files come with a patch.
  public let patch: Bool

  public init(old: String?, new: String, common: Bool = false, patch: Bool = false) {
    self.old = old
    self.new = new
    self.common = common
    self.patch = patch
  }
}
