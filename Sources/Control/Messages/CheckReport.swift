/// What a check of the store found.
public struct CheckReport: Codable, Sendable {
  public let heads: UInt64
  public let entries: UInt64
  public let nodes: UInt64
  public let blocks: UInt64
  public let records: UInt64
  /// What is wrong; a store in order has none.
  public let problems: [Problem]
  /// What was put right before, a line each; nil where that was not asked for.
  public let repairs: [String]?
  /// Why the repair ended before it was done; nil where it did not.
  public let failure: Failure?

  public init(
    heads: UInt64, entries: UInt64, nodes: UInt64, blocks: UInt64, records: UInt64, problems: [Problem],
    repairs: [String]? = nil, failure: Failure? = nil
  ) {
    self.heads = heads
    self.entries = entries
    self.nodes = nodes
    self.blocks = blocks
    self.records = records
    self.problems = problems
    self.repairs = repairs
    self.failure = failure
  }

  /// Inodes, both ends included.
  public struct InodeRange: Codable, Hashable, Sendable {
    public let first: UInt64
    public let last: UInt64

    public init(first: UInt64, last: UInt64) {
      self.first = first
      self.last = last
    }
  }

  /// One thing that is wrong, and what it concerns.
  public struct Problem: Hashable, Sendable {
    /// The fork or snapshot; nil where the store itself is concerned.
    public let name: String?
    /// The files and directories that are concerned, as far as they are known; one with several names has several.
    public let paths: [BytePath]
    /// The pages of the file that cannot be read.
    public let pages: Change.PageRange?
    /// The inodes of which something cannot be read, where it is more than pages.
    public let inodes: InodeRange?
    public let message: String

    public init(
      name: String?, paths: [BytePath] = [], pages: Change.PageRange? = nil, inodes: InodeRange? = nil, message: String
    ) {
      self.name = name
      self.paths = paths
      self.pages = pages
      self.inodes = inodes
      self.message = message
    }
  }
}

extension CheckReport.Problem: Codable {
  enum CodingKeys: String, CodingKey { case name, path, pathBytes, otherPaths, pages, inodes, message }

  /// A path in an array: an object, so that its bytes have a place beside its text.
  private struct OtherPath: Codable {
    enum CodingKeys: String, CodingKey { case path, pathBytes }
    let path: BytePath

    init(_ path: BytePath) { self.path = path }

    init(from decoder: any Decoder) throws {
      let container = try decoder.container(keyedBy: CodingKeys.self)
      path = try container.decodePath(forKey: .path, bytesKey: .pathBytes)
    }

    func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(path, forKey: .path, bytesKey: .pathBytes)
    }
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    name = try container.decodeIfPresent(String.self, forKey: .name)
    let first = try container.decodePathIfPresent(forKey: .path, bytesKey: .pathBytes)
    let others = try container.decodeIfPresent([OtherPath].self, forKey: .otherPaths) ?? []
    paths = (first.map { [$0] } ?? []) + others.map(\.path)
    pages = try container.decodeIfPresent(Change.PageRange.self, forKey: .pages)
    inodes = try container.decodeIfPresent(CheckReport.InodeRange.self, forKey: .inodes)
    message = try container.decode(String.self, forKey: .message)
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encodeIfPresent(name, forKey: .name)
    if let first = paths.first { try container.encode(first, forKey: .path, bytesKey: .pathBytes) }
    if paths.count > 1 { try container.encode(paths.dropFirst().map(OtherPath.init), forKey: .otherPaths) }
    try container.encodeIfPresent(pages, forKey: .pages)
    try container.encodeIfPresent(inodes, forKey: .inodes)
    try container.encode(message, forKey: .message)
  }
}
