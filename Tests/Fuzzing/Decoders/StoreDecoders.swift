import SystemIO

@testable import FileSystem
@testable import Ledger
@testable import Store
@testable import Tree

/// What records and trees hold, and the store's own files.
extension Decoder {
  func acceptsMutation(_ bytes: [UInt8]) -> Bool {
    succeeds {
      let mutation = try bytes.withUnsafeBytesTyped { (buffer) throws(DecodingFailure) in
        try Mutation(decoding: buffer)
      }
      precondition(mutation.encoded() == bytes, "what was decoded encodes to other bytes")
    }
  }

  /// The kind of the record, then its body, which is applied to a catalog with two heads.
  func acceptsCatalogChange(_ bytes: [UInt8]) -> Bool {
    guard let kind = bytes.first.flatMap({ RecordKind(rawValue: UInt16($0)) }) else { return false }
    return succeeds {
      let change = try Array(bytes[1...]).withUnsafeBytesTyped { (buffer) throws(DecodingFailure) in
        try CatalogChange(kind, decoding: buffer)
      }
      var catalog = Catalog()
      let subject = RecordSubject(head: 2, lsn: 3, time: 0)
      for id in [UInt64(1), 2] {
        let change = CatalogChange.createFork(name: "fork\(id)", isIncomplete: false)
        try catalog.apply(change, RecordSubject(head: 0, lsn: id, time: 0)) { id }
      }
      try catalog.apply(change, subject) { 9 }
      for head in catalog.heads { _ = catalog.describe(head) }
    }
  }

  /// The body of a record, applied to the empty tree of a fork as recovery does.
  func acceptsEdits(_ bytes: [UInt8]) -> Bool {
    let pool = NodePool(NoNodes(), generation: 1, cleanCapacity: 64)
    let head = HeadState(
      id: 1, kind: .fork, name: "fork", ownerID: 0, parentID: 0, createdAt: 0, createdLSN: 1, lastLSN: 1,
      tree: Tree(epoch: 1))
    var catalog = Catalog()
    catalog.add(head)
    var replay = Replay(pool: pool, catalog: catalog, nextInode: 2, nextEpoch: 2)
    let header = RecordHeader(
      length: 0, lsn: 2, head: 1, time: 0, durableLSN: 0, previousChecksum: 0, kind: RecordKind.write.rawValue,
      bodyLength: UInt32(bytes.count), slotCount: 0, firstSlot: 1000, checksum: 0)
    let prefix = [UInt8](repeating: 0, count: RecordFormat.headerSize) + bytes
    return succeeds {
      try prefix.withUnsafeBytesTyped { (prefix) throws(LedgerError) in
        try replay.apply(Record(header: header, prefix: prefix, segment: 1))
      }
      let inodes = (0..<4).map(UInt64.init)
      try pool.reading { () throws(TreeError) in
        for inode in inodes { _ = try pool.extents(of: inode, 0..<1 << 55, in: head.tree) }
      }
    }
  }

  /// The kind of the entry, then its value.
  func acceptsItem(_ bytes: [UInt8]) -> Bool {
    guard let kind = bytes.first.flatMap(ItemKind.init) else { return false }
    return succeeds {
      try Array(bytes[1...]).withUnsafeBytesTyped { (value) throws(DecodingFailure) in
        switch kind {
        case .inode: _ = Attributes(1, try InodeItem(decoding: value))
        case .backReference: _ = try BackReferenceItem(decoding: value)
        case .dentry: _ = try DentryItem(decoding: value)
        case .extendedAttribute: _ = try ExtendedAttributeItem(decoding: value)
        case .symbolicLink: break
        case .extent:
          let extent = FileExtent(page: (1 << 56) - 1, item: try ExtentItem(decoding: value))
          _ = extent.clamped(to: extent.end - 1..<UInt64.max)
        }
      }
      var census = Census()
      try Array(bytes[1...]).withUnsafeBytesTyped { (value) throws(DecodingFailure) in
        try census.add(TreeKey(1, kind, 5), value)
      }
      _ = census.problems
    }
  }

  func acceptsHead(_ bytes: [UInt8]) -> Bool {
    succeeds {
      let head = try bytes.withUnsafeBytesTyped { (buffer) throws(DecodingFailure) in
        try HeadState(id: 1, epoch: 1, decoding: buffer)
      }
      var catalog = Catalog()
      catalog.add(head)
      _ = catalog.describe(head)
      precondition(bytes.count >= head.encoded().count, "what was decoded encodes to more bytes")
      try head.apply(Mutation(), lsn: 2, firstBlock: BlockReference(segment: 1, slot: 0), NodePool(NoNodes()))
    }
  }

  func acceptsManifest(_ bytes: [UInt8]) -> Bool {
    var bytes = bytes
    bytes.seal(max(0, bytes.count - 8))
    _ = Manifest.newerVersion(bytes)
    return succeeds {
      let manifest = try Manifest.decode(bytes)
      precondition(manifest.encoded() == bytes, "what was decoded encodes to other bytes")
    }
  }

  func acceptsSuperblock(_ bytes: [UInt8]) -> Bool {
    var bytes = bytes
    bytes.seal(48)
    return succeeds { _ = try Superblock.decode(bytes) }
  }

  func acceptsAccessControlList(_ bytes: [UInt8]) -> Bool {
    guard var list = AccessControlList(decoding: bytes) else { return false }
    _ = list.inherited(by: 0o640).encoded()
    list.setPermissions(0o750)
    precondition(AccessControlList(decoding: list.encoded()) == list, "a list does not survive its encoding")
    return true
  }
}
