import Synchronization
import SystemIO
import Tree

@testable import Ledger
@testable import Store

/// What the live bytes of a store hold, found without a check.
struct StoreMap {
  /// A page of a file that a block is for, or a node that a head reaches, with the inodes that its entries are about.
  enum Use: Hashable {
    case page(head: String, inode: InodeNumber, page: UInt64)
    case node(head: String, inodes: ClosedRange<InodeNumber>)

    var head: String {
      switch self {
      case .page(let head, _, _), .node(let head, _): head
      }
    }
  }

  struct Place: Hashable {
    let path: String
    let bytes: Range<Int>
  }

  private(set) var uses: [Place: [Use]] = [:]

  init(_ store: Store) throws {
    for head in store.catalog.withLock({ $0.heads }) {
      let name = store.catalog.withLock { $0.fullName(head) }
      guard let pinned = store.pin(head) else { continue }
      try store.pool.walk(
        pinned.tree, enter: { _ in true },
        visit: { (node) throws(TreeError) in try add(node, of: name, in: store) })
    }
  }

  private mutating func add(_ node: NodeView, of head: String, in store: Store) throws(TreeError) {
    let inodes = max(1, node.key(0).object)...max(1, node.key(node.count - 1).object)
    do throws(LedgerError) {
      try add(.node(head: head, inodes: inodes), BlockReference(packed: node.reference.packed), store.nodes)
    } catch { throw TreeError(error) }
    guard node.isLeaf else { return }
    for index in 0..<node.count where node.key(index).kind == .extent {
      let key = node.key(index)
      let extent = try decoding(key) { () throws(DecodingFailure) in try ExtentItem(decoding: node.value(index)) }
      do throws(LedgerError) {
        for page in 0..<Int(extent.count) {
          let use = Use.page(head: head, inode: key.object, page: key.sub + UInt64(page))
          try add(use, extent.first.advanced(by: page), store.ledger.segments)
        }
      } catch { throw TreeError(error) }
    }
  }

  private mutating func add(_ use: Use, _ slot: BlockReference, _ segments: SegmentSet) throws(LedgerError) {
    let entry = try segments.entries(slot, count: 1, mayBlock: true)[0]
    let digits = String(slot.segment)
    let path = segments.directory + "/" + String(repeating: "0", count: 10 - digits.count) + digits
    let start = Int(entry.offset)
    uses[Place(path: path, bytes: start..<start + Int(entry.length)), default: []].append(use)
  }

  /// What a byte is used for; nothing where it is part of no live block and no live node.
  func uses(of path: String, at offset: Int) -> [Use] {
    uses.filter { $0.key.path == path && $0.key.bytes.contains(offset) }.flatMap(\.value)
  }
}
