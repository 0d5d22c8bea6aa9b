import Synchronization
import SystemIO
import Tree

public enum HeadKind: UInt8, Sendable {
  case fork = 0
  case snapshot = 1
}

/// What the catalog tells about a fork or snapshot.
public struct Head: Sendable {
  public let id: UInt64
  public let kind: HeadKind
  /// `prod`, or `prod@before`.
  public let name: String
  /// The fork or snapshot it was taken from; nil for one that was made empty, and where that one is gone.
  public let parent: String?
  /// Nanoseconds since 1970.
  public let createdAt: UInt64
  public let createdLSN: UInt64
  /// The last record that changed it.
  public let lastLSN: UInt64
  public let inodes: UInt64
  /// Content that its files hold, in bytes of whole pages, each counted as often as files use it.
  public let bytes: UInt64
}

/// One fork or snapshot, in memory.
///
/// `tree`, the counts and `lastLSN` change only inside the pool's `writing`, by a thread that also holds `mutation`; so whoever holds
/// either lock can read them.
final class HeadState: @unchecked Sendable {
  let id: UInt64
  let kind: HeadKind
  /// Without the name of the fork where it is a snapshot.
  let name: String
  /// The fork that a snapshot belongs to; 0 for a fork.
  let ownerID: UInt64
  /// Where it was taken from, or the parent of that where it was dropped; 0 for a fork that was made empty.
  var parentID: UInt64
  let createdAt: UInt64
  let createdLSN: UInt64

  /// Held from the first look of a change until it is applied: changes of one fork come one after the other.
  let mutation = Monitor(())

  var tree: Tree
  /// The state that it began with, of a fork that was taken from something; kept for as long as the fork is there.
  var forkPoint: ForkPoint?
  var inodes: UInt64 = 0
  var pages: UInt64 = 0
  var lastLSN: UInt64
  /// An import that has not ended; recovery drops it.
  var isIncomplete: Bool
  /// Whether it differs from what the last checkpoint wrote.
  var isDirty = true
  /// Dropped: nothing may change it any more.
  var isGone = false
  /// How many volumes are open on it.
  let users = Atomic(0)

  init(
    id: UInt64, kind: HeadKind, name: String, ownerID: UInt64, parentID: UInt64, createdAt: UInt64, createdLSN: UInt64,
    lastLSN: UInt64, tree: Tree, isIncomplete: Bool = false
  ) {
    self.id = id
    self.kind = kind
    self.name = name
    self.ownerID = ownerID
    self.parentID = parentID
    self.createdAt = createdAt
    self.createdLSN = createdLSN
    self.lastLSN = lastLSN
    self.tree = tree
    self.isIncomplete = isIncomplete
  }
}

/// What a fork began with.
struct ForkPoint: Hashable {
  /// The head that it was taken from, also where that is gone.
  let origin: UInt64
  let root: NodeReference

  /// Nobody owns its nodes.
  var tree: Tree { Tree(root: root, epoch: 0) }
}

// A head in the catalog's tree, under the key (id, 0):
//
//   version u8, kind u8, incomplete u8, owner u64, parent u64, created at u64, created LSN u64, last LSN u64, root u64, inodes u64, pages u64,
//   in version 2 the fork point: origin u64, root u64; in version 1 there is none
//   name

extension HeadState {
  static func key(_ id: UInt64) -> TreeKey { TreeKey(id, 0) }

  /// No fork has more inodes or pages; so the bytes of its pages can be counted too.
  static let highestCount: UInt64 = 1 << 50

  func encoded() -> [UInt8] {
    var writer = ByteWriter(reserving: 96)
    writer.integer(UInt8(forkPoint == nil ? 1 : 2))
    writer.integer(kind.rawValue)
    writer.integer(UInt8(isIncomplete ? 1 : 0))
    for field in [ownerID, parentID, createdAt, createdLSN, lastLSN, tree.root.packed, inodes, pages] {
      writer.integer(field)
    }
    if let forkPoint {
      writer.integer(forkPoint.origin)
      writer.integer(forkPoint.root.packed)
    }
    writer.text(name)
    return writer.bytes
  }

  convenience init(id: UInt64, epoch: UInt64, decoding bytes: UnsafeRawBufferPointer) throws(DecodingFailure) {
    var reader = ByteReader(bytes)
    let version: UInt8 = try reader.integer()
    guard (1...2).contains(version), let kind = HeadKind(rawValue: try reader.integer()) else {
      throw DecodingFailure("a head has an unknown form")
    }
    let isIncomplete = try reader.integer(as: UInt8.self) == 1
    let ownerID: UInt64 = try reader.integer()
    let parentID: UInt64 = try reader.integer()
    let createdAt: UInt64 = try reader.integer()
    let createdLSN: UInt64 = try reader.integer()
    let lastLSN: UInt64 = try reader.integer()
    let root = NodeReference(packed: try reader.integer())
    let inodes: UInt64 = try reader.integer()
    let pages: UInt64 = try reader.integer()
    guard inodes <= Self.highestCount, pages <= Self.highestCount else {
      throw DecodingFailure("a head has too many inodes or pages")
    }
    let forkPoint =
      version < 2 ? nil : ForkPoint(origin: try reader.integer(), root: NodeReference(packed: try reader.integer()))
    self.init(
      id: id, kind: kind, name: try reader.text(), ownerID: ownerID, parentID: parentID, createdAt: createdAt,
      createdLSN: createdLSN, lastLSN: lastLSN, tree: Tree(root: root, epoch: epoch), isIncomplete: isIncomplete)
    self.inodes = inodes
    self.pages = pages
    self.forkPoint = forkPoint
    isDirty = false
  }
}
