/// Asks to bring a directory of the host in as a new fork.
public struct ImportRequest: Sendable {
  public let name: String
  /// An absolute path.
  public let directory: BytePath

  public init(name: String, directory: BytePath) {
    self.name = name
    self.directory = directory
  }
}

/// Asks to write a head out into a directory of the host, which must be empty or not exist.
public struct ExportRequest: Sendable {
  public let reference: String
  /// An absolute path.
  public let directory: BytePath

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

  public init(name: String, entries: UInt64, bytes: UInt64) {
    self.name = name
    self.entries = entries
    self.bytes = bytes
  }
}

extension ImportRequest: Codable {
  enum CodingKeys: String, CodingKey { case name, directory, directoryBytes }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    name = try container.decode(String.self, forKey: .name)
    directory = try container.decodePath(forKey: .directory, bytesKey: .directoryBytes)
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(name, forKey: .name)
    try container.encode(directory, forKey: .directory, bytesKey: .directoryBytes)
  }
}

extension ExportRequest: Codable {
  enum CodingKeys: String, CodingKey { case reference, directory, directoryBytes }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    reference = try container.decode(String.self, forKey: .reference)
    directory = try container.decodePath(forKey: .directory, bytesKey: .directoryBytes)
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(reference, forKey: .reference)
    try container.encode(directory, forKey: .directory, bytesKey: .directoryBytes)
  }
}
