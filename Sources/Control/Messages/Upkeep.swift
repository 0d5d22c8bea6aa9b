/// Who answers, and in which version of the API.
public struct VersionReport: Codable, Sendable {
  /// The version of Tine, such as `0.1.0`.
  public let version: String
  /// The version of the API, the `v1` of its paths.
  public let api: Int
  /// The daemon's process, where a daemon answers.
  public let process: Int32?
  /// The file of the program that the daemon runs.
  public let program: String?

  public init(version: String, api: Int, process: Int32? = nil, program: String? = nil) {
    self.version = version
    self.api = api
    self.process = process
    self.program = program
  }

  /// What this build speaks.
  public static let current = VersionReport(version: "0.1.0", api: 1)
}

/// Asks the daemon to have another program take over from its own, with all mounts.
public struct UpgradeRequest: Codable, Sendable {
  /// The absolute path of a `tined`.
  public let program: String

  public init(program: String) { self.program = program }
}

/// Asks the daemon to end.
public struct ShutdownRequest: Codable, Sendable {
  /// Whether to take mounts away even from processes that use them.
  public let force: Bool?

  public init(force: Bool = false) { self.force = force }
}

/// How far a long operation has come.
public struct Progress: Codable, Hashable, Sendable {
  /// What is going on, such as `importing`.
  public let activity: String
  public let done: UInt64
  /// How much there is in all, where it is known.
  public let total: UInt64?
  public let unit: Unit

  public enum Unit: String, Codable, Sendable { case bytes, entries, blocks, attempts, steps }

  public init(activity: String, done: UInt64, total: UInt64? = nil, unit: Unit) {
    self.activity = activity
    self.done = done
    self.total = total
    self.unit = unit
  }
}

/// Hears how far an operation has come; answers whether to go on. It is called from any thread, some times a second.
public typealias ProgressHandler = @Sendable (Progress) -> Bool

/// What a garbage collection did.
public struct CollectionReport: Codable, Sendable {
  public let freedBytes: UInt64
  public let freedSegments: UInt64
  public let keptSegments: UInt64

  public init(freedBytes: UInt64, freedSegments: UInt64, keptSegments: UInt64) {
    self.freedBytes = freedBytes
    self.freedSegments = freedSegments
    self.keptSegments = keptSegments
  }
}

/// Asks for the ledger's records of one head.
public struct LogRequest: Codable, Sendable {
  public let reference: String
  /// Only records from this place on.
  public let since: UInt64?
  /// At most so many, the newest.
  public let limit: Int?
  /// Whether to verify the blocks that the records brought, and not only the records' chain.
  public let verify: Bool

  public init(reference: String, since: UInt64? = nil, limit: Int? = nil, verify: Bool = false) {
    self.reference = reference
    self.since = since
    self.limit = limit
    self.verify = verify
  }
}

/// One record of the ledger.
public struct LogEntry: Sendable {
  public let lsn: UInt64
  public let time: Moment
  /// The fork that it changed, as long as it exists.
  public let name: String?
  /// What it did, such as `write`.
  public let operation: String
  /// What it touched: a path, or an inode that has no name any more.
  public let subject: BytePath
  /// How many pages of content it brought.
  public let pages: UInt64
  /// Its checksum, which the next record holds too.
  public let checksum: String

  public init(
    lsn: UInt64, time: Moment, name: String?, operation: String, subject: BytePath, pages: UInt64, checksum: String
  ) {
    self.lsn = lsn
    self.time = time
    self.name = name
    self.operation = operation
    self.subject = subject
    self.pages = pages
    self.checksum = checksum
  }
}

extension LogEntry: Codable {
  enum CodingKeys: String, CodingKey { case lsn, time, name, operation, subject, subjectBytes, pages, checksum }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    lsn = try container.decode(UInt64.self, forKey: .lsn)
    time = try container.decode(Moment.self, forKey: .time)
    name = try container.decodeIfPresent(String.self, forKey: .name)
    operation = try container.decode(String.self, forKey: .operation)
    subject = try container.decodePath(forKey: .subject, bytesKey: .subjectBytes)
    pages = try container.decode(UInt64.self, forKey: .pages)
    checksum = try container.decode(String.self, forKey: .checksum)
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(lsn, forKey: .lsn)
    try container.encode(time, forKey: .time)
    try container.encodeIfPresent(name, forKey: .name)
    try container.encode(operation, forKey: .operation)
    try container.encode(subject, forKey: .subject, bytesKey: .subjectBytes)
    try container.encode(pages, forKey: .pages)
    try container.encode(checksum, forKey: .checksum)
  }
}

/// An answer that says nothing but that it was done.
public struct Done: Codable, Sendable {
  public init() {}
}
