import Ledger

/// Every decoder of bytes that come from a disk, a kernel or another process. Each is given hostile bytes; it may refuse them, and
/// must never trap, hang, or take memory that only a number in its input asks for.
///
/// Where a checksum would refuse the bytes, it is computed anew before they are decoded: whoever can write to the disk can do that too.
enum Decoder: String, CaseIterable, Sendable {
  case segmentHeader = "segment-header"
  case segmentFooter = "segment-footer"
  case slotDirectory = "slot-directory"
  case record, block
  case mutation
  case catalogChange = "catalog-change"
  case edits, item, head, manifest, superblock
  case node, tree
  case accessControlList = "access-control-list"
  case response, message, text
  case request, setAttribute = "set-attribute", negotiation
  case supervisorMessage = "supervisor-message"
  case store, repair

  /// Decodes the bytes and uses what they hold; whether they were accepted.
  func accepts(_ bytes: [UInt8]) -> Bool {
    switch self {
    case .segmentHeader: acceptsSegmentHeader(bytes)
    case .segmentFooter: acceptsSegmentFooter(bytes)
    case .slotDirectory: acceptsSlotDirectory(bytes)
    case .record: acceptsRecord(bytes)
    case .block: acceptsBlock(bytes)
    case .mutation: acceptsMutation(bytes)
    case .catalogChange: acceptsCatalogChange(bytes)
    case .edits: acceptsEdits(bytes)
    case .item: acceptsItem(bytes)
    case .head: acceptsHead(bytes)
    case .manifest: acceptsManifest(bytes)
    case .superblock: acceptsSuperblock(bytes)
    case .node: acceptsNode(bytes)
    case .tree: acceptsTree(bytes)
    case .accessControlList: acceptsAccessControlList(bytes)
    case .response: acceptsResponse(bytes)
    case .message: acceptsMessage(bytes)
    case .text: acceptsText(bytes)
    case .request: acceptsRequest(bytes)
    case .setAttribute: acceptsSetAttribute(bytes)
    case .negotiation: acceptsNegotiation(bytes)
    case .supervisorMessage: acceptsSupervisorMessage(bytes)
    case .store: acceptsStore(bytes)
    case .repair: acceptsRepair(bytes)
    }
  }
}

/// Whether a decoder accepts its input.
func succeeds(_ decode: () throws -> Void) -> Bool {
  do {
    try decode()
    return true
  } catch {
    return false
  }
}

extension Array where Element == UInt8 {
  /// Puts the right checksum behind the first `count` bytes, where there is room for it.
  mutating func seal(_ count: Int, seed: UInt64 = 0) {
    guard self.count >= count + 8 else { return }
    store(checksum(Array(self[..<count]), seed: seed), at: count)
  }

  mutating func store<Value: FixedWidthInteger>(_ value: Value, at offset: Int) {
    Swift.withUnsafeBytes(of: value.littleEndian) { replaceSubrange(offset..<offset + $0.count, with: $0) }
  }

  /// The number at an offset; zero where the bytes end before it does.
  func number<Value: FixedWidthInteger>(at offset: Int, as type: Value.Type = Value.self) -> Value {
    guard offset >= 0, offset + MemoryLayout<Value>.size <= count else { return 0 }
    return Value(littleEndian: withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: Value.self) })
  }
}
