public import Control
import FoundationEssentials
import SystemIO

/// The forks and snapshots that are to end with the client that asked for them, as a file in the store. A daemon that is killed
/// altogether leaves them behind, and the next one drops them.
///
/// It only helps: whatever it contains, the store can be used. A head is dropped only if it is the very one that was recorded.
public struct LeaseRecord: Sendable {
  private let file: SmallFile

  /// A fork or snapshot, and the token of the session with which it ends.
  public struct Entry: Codable, Hashable, Sendable {
    public let head: LeasedHead
    public let session: String

    public init(_ head: LeasedHead, session: String) {
      self.head = head
      self.session = session
    }
  }

  public init(in directory: String) { file = SmallFile(directory + "/leases.json") }

  /// Replaces the record.
  ///
  /// - Parameter durably: whether it must outlive a power cut.
  public func write(_ entries: [Entry], durably: Bool) throws(Failure) {
    do {
      if entries.isEmpty && !durably { return try file.remove() }
      try file.replace(with: [UInt8](try JSON.encode(entries)), durably: durably)
    } catch {
      throw Failure(.failed, "cannot write \(file.path): \(error)")
    }
  }

  /// What is recorded; nothing if it cannot be read, for then nothing is known to be nobody's.
  public func read() -> [Entry] {
    do {
      guard let bytes = try file.read() else { return [] }
      return try JSON.decode([Entry].self, from: Data(bytes))
    } catch {
      return []
    }
  }
}

/// A fork or snapshot that ends with a client. Where and when it began tell it from a later one of the same name.
public struct LeasedHead: Codable, Hashable, Sendable {
  public let name: String
  public let createdAt: UInt64
  public let created: Moment

  enum CodingKeys: String, CodingKey {
    case name, created
    case createdAt = "createdLsn"
  }

  public init(_ head: Head) {
    name = head.name
    createdAt = head.createdAt
    created = head.created
  }
}
