/// A head that is mounted.
public struct Mount: Hashable, Sendable {
  /// The fork or snapshot that shows there.
  public let name: String
  /// An absolute path.
  public let directory: BytePath
  public let readOnly: Bool
  /// Whether the kernel may hold writes back (see docs/consistency.md).
  public let writeback: Bool

  public init(name: String, directory: BytePath, readOnly: Bool, writeback: Bool) {
    self.name = name
    self.directory = directory
    self.readOnly = readOnly
    self.writeback = writeback
  }
}

/// Asks to mount a head at an empty directory.
public struct MountRequest: Sendable {
  public let reference: String
  /// An absolute path. It is looked up by the daemon, unless the directory itself is passed.
  public let directory: BytePath
  /// The directory, as the client has opened it.
  public var passed: PassedDescriptor?
  public let writeback: Bool
  /// Whether the directory is made for the mount, and removed with it. One that is passed has been made already.
  public var makesDirectory: Bool
  /// The token of the session with which the mount is to end; none for one that stays.
  public let session: String?

  public init(
    reference: String, directory: BytePath, writeback: Bool = false, makesDirectory: Bool = false,
    session: String? = nil
  ) {
    self.reference = reference
    self.directory = directory
    self.writeback = writeback
    self.makesDirectory = makesDirectory
    self.session = session
  }
}

/// Asks to unmount what is mounted at a directory.
public struct UnmountRequest: Sendable {
  /// An absolute path.
  public let directory: BytePath
  /// Whether to take the mount away from processes that still use it.
  public let lazy: Bool

  public init(directory: BytePath, lazy: Bool = false) {
    self.directory = directory
    self.lazy = lazy
  }
}

extension Mount: Codable {
  enum CodingKeys: String, CodingKey { case name, directory, directoryBytes, readOnly, writeback }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    name = try container.decode(String.self, forKey: .name)
    directory = try container.decodePath(forKey: .directory, bytesKey: .directoryBytes)
    readOnly = try container.decode(Bool.self, forKey: .readOnly)
    writeback = try container.decode(Bool.self, forKey: .writeback)
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(name, forKey: .name)
    try container.encode(directory, forKey: .directory, bytesKey: .directoryBytes)
    try container.encode(readOnly, forKey: .readOnly)
    try container.encode(writeback, forKey: .writeback)
  }
}

extension MountRequest: Codable {
  enum CodingKeys: String, CodingKey {
    case reference, directory, directoryBytes, passed, writeback, makesDirectory, session
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    reference = try container.decode(String.self, forKey: .reference)
    directory = try container.decodePath(forKey: .directory, bytesKey: .directoryBytes)
    writeback = try container.decodeIfPresent(Bool.self, forKey: .writeback) ?? false
    makesDirectory = try container.decodeIfPresent(Bool.self, forKey: .makesDirectory) ?? false
    passed = try container.decodeIfPresent(PassedDescriptor.self, forKey: .passed)
    session = try container.decodeIfPresent(String.self, forKey: .session)
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(reference, forKey: .reference)
    try container.encode(directory, forKey: .directory, bytesKey: .directoryBytes)
    try container.encode(writeback, forKey: .writeback)
    try container.encode(makesDirectory, forKey: .makesDirectory)
    try container.encodeIfPresent(passed, forKey: .passed)
    try container.encodeIfPresent(session, forKey: .session)
  }
}

extension UnmountRequest: Codable {
  enum CodingKeys: String, CodingKey { case directory, directoryBytes, lazy }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    directory = try container.decodePath(forKey: .directory, bytesKey: .directoryBytes)
    lazy = try container.decodeIfPresent(Bool.self, forKey: .lazy) ?? false
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(directory, forKey: .directory, bytesKey: .directoryBytes)
    try container.encode(lazy, forKey: .lazy)
  }
}
