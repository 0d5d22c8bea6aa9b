/// Asks to bring a directory of the host in as a new fork.
public struct ImportRequest: Sendable {
  public let name: String
  /// An absolute path.
  public let directory: BytePath
  /// Whether files belong to whom they belong to now. Where this is nil, they do if root imports, and else they are the importing user's.
  public let keepOwners: Bool?
  /// The directory, as the client has opened it. Otherwise the daemon looks its path up.
  public var passed: PassedDescriptor?

  public init(name: String, directory: BytePath, keepOwners: Bool? = nil) {
    self.name = name
    self.directory = directory
    self.keepOwners = keepOwners
  }
}

/// Asks to write a head out into a directory of the host, which must be empty or not exist.
public struct ExportRequest: Sendable {
  public let reference: String
  /// An absolute path.
  public let directory: BytePath
  /// The directory, as the client has opened it, if it exists; or else the one in which it is to be made. Without both the daemon looks its
  /// path up.
  public var passed: PassedDescriptor?
  public var passedParent: PassedDescriptor?

  public init(reference: String, directory: BytePath) {
    self.reference = reference
    self.directory = directory
  }
}

/// What an import or export carried over.
public struct TransferReport: Codable, Sendable {
  /// The fork that was made, or the head that was written out.
  public let name: String
  public let entries: UInt64
  public let bytes: UInt64
  /// What the target of an export cannot hold; nil for an import.
  public let leftOut: [LeftOut]?

  public init(name: String, entries: UInt64, bytes: UInt64, leftOut: [LeftOut]? = nil) {
    self.name = name
    self.entries = entries
    self.bytes = bytes
    self.leftOut = leftOut
  }

  /// Something that belongs to entries of a head and that an export had to do without, or entries themselves.
  public struct LeftOut: Sendable {
    /// The spelling is part of the API.
    public enum Kind: String, Codable, CaseIterable, Sendable {
      case owners
      case permissions
      case accessControlLists = "access-control-lists"
      case extendedAttributes = "extended-attributes"
      case times
      case hardLinks = "hard-links"
      case symbolicLinks = "symbolic-links"
      case specialFiles = "special-files"

      /// Whether entries are missing.
      public var isEntry: Bool { self == .symbolicLinks || self == .specialFiles }
    }

    public enum Reason: String, Codable, CaseIterable, Sendable {
      /// This user may not do that.
      case notPermitted = "not-permitted"
      /// The file system cannot hold it.
      case notSupported = "not-supported"
      /// The file system cannot hold as much of it.
      case tooLarge = "too-large"
    }

    public let kind: Kind
    public let reason: Reason
    /// How many entries it concerns.
    public let entries: UInt64
    /// The first of them.
    public let path: BytePath

    public init(kind: Kind, reason: Reason, entries: UInt64, path: BytePath) {
      self.kind = kind
      self.reason = reason
      self.entries = entries
      self.path = path
    }
  }
}

extension TransferReport.LeftOut: Codable {
  enum CodingKeys: String, CodingKey { case kind, reason, entries, path, pathBytes }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    kind = try container.decode(Kind.self, forKey: .kind)
    reason = try container.decode(Reason.self, forKey: .reason)
    entries = try container.decode(UInt64.self, forKey: .entries)
    path = try container.decodePath(forKey: .path, bytesKey: .pathBytes)
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(kind, forKey: .kind)
    try container.encode(reason, forKey: .reason)
    try container.encode(entries, forKey: .entries)
    try container.encode(path, forKey: .path, bytesKey: .pathBytes)
  }
}

extension ImportRequest: Codable {
  enum CodingKeys: String, CodingKey { case name, directory, directoryBytes, keepOwners, passed }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    name = try container.decode(String.self, forKey: .name)
    directory = try container.decodePath(forKey: .directory, bytesKey: .directoryBytes)
    keepOwners = try container.decodeIfPresent(Bool.self, forKey: .keepOwners)
    passed = try container.decodeIfPresent(PassedDescriptor.self, forKey: .passed)
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(name, forKey: .name)
    try container.encode(directory, forKey: .directory, bytesKey: .directoryBytes)
    try container.encodeIfPresent(keepOwners, forKey: .keepOwners)
    try container.encodeIfPresent(passed, forKey: .passed)
  }
}

extension ExportRequest: Codable {
  enum CodingKeys: String, CodingKey { case reference, directory, directoryBytes, passed, passedParent }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    reference = try container.decode(String.self, forKey: .reference)
    directory = try container.decodePath(forKey: .directory, bytesKey: .directoryBytes)
    passed = try container.decodeIfPresent(PassedDescriptor.self, forKey: .passed)
    passedParent = try container.decodeIfPresent(PassedDescriptor.self, forKey: .passedParent)
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(reference, forKey: .reference)
    try container.encode(directory, forKey: .directory, bytesKey: .directoryBytes)
    try container.encodeIfPresent(passed, forKey: .passed)
    try container.encodeIfPresent(passedParent, forKey: .passedParent)
  }
}
