import Ledger
import SystemIO
import Tree

/// Looks into one of two states that are compared: a tree that nobody changes.
struct StateReader {
  let pool: NodePool
  let ledger: Ledger
  let tree: Tree
  let hash: NameHash

  init(_ store: Store, _ tree: Tree) {
    pool = store.pool
    ledger = store.ledger
    hash = store.names
    self.tree = tree
  }

  private func reading<Result>(_ body: (TreeReader) throws(TreeError) -> Result) throws(TreeError) -> Result {
    try pool.reading { () throws(TreeError) in try body(TreeReader(pool: pool, tree: tree)) }
  }

  /// An inode that has a name; nil where there is none.
  func inode(_ number: InodeNumber) throws(TreeError) -> InodeItem? {
    let item = try reading { (reader) throws(TreeError) in try reader.inode(number) }
    return item.flatMap { $0.links > 0 ? $0 : nil }
  }

  /// An inode that a directory names.
  func namedInode(_ number: InodeNumber) throws(TreeError) -> InodeItem {
    guard let item = try inode(number) else { throw .damaged("inode \(number) has a name, and is not there") }
    return item
  }

  /// The inode that a name in a directory leads to.
  func child(_ directory: InodeNumber, _ name: [UInt8]) throws(TreeError) -> InodeNumber? {
    try reading { (reader) throws(TreeError) in
      let entry = try reader.dentry(hash.keys(directory, .dentry, name), named: name)
      return entry?.item.inode
    }
  }

  /// All names in a directory, in the order of their bytes.
  func entries(_ directory: InodeNumber) throws(TreeError) -> [(name: [UInt8], inode: InodeNumber)] {
    let found = try reading { (reader) throws(TreeError) in
      var found: [(name: [UInt8], inode: InodeNumber)] = []
      try reader.scan(TreeKey.range(of: directory, .dentry)) { (key, value) throws(TreeError) in
        let item = try decoding(key) { () throws(DecodingFailure) in try DentryItem(decoding: value) }
        found.append((item.name, item.inode))
        return true
      }
      return found
    }
    return found.sorted { $0.name.lexicographicallyPrecedes($1.name) }
  }

  /// The names of an inode, in the order of their keys.
  func names(of inode: InodeNumber) throws(TreeError) -> [BackReferenceItem] {
    try PathFinder(pool, tree).names(of: inode)
  }

  /// The extents of a file's content.
  func extents(of inode: InodeNumber) throws(TreeError) -> [FileExtent] {
    try reading { (reader) throws(TreeError) in
      try reader.extents(of: inode, 0..<ExtendedAttributeItem.firstContentPage)
    }
  }

  func target(of inode: InodeNumber, _ item: InodeItem) throws(TreeError) -> [UInt8] {
    let short = try reading { (reader) throws(TreeError) in
      let bytes = try reader.find(TreeKey(inode, .symbolicLink))
      return bytes.map { [UInt8]($0) }
    }
    if let short { return short }
    return try content(of: inode, from: 0, count: Int(min(item.size, UInt64(blockSize))))
  }

  /// The extended attributes, with their values.
  func extendedAttributes(of inode: InodeNumber) throws(TreeError) -> [[UInt8]: [UInt8]] {
    let items = try reading { (reader) throws(TreeError) in
      var items: [ExtendedAttributeItem] = []
      try reader.scan(TreeKey.range(of: inode, .extendedAttribute)) { (key, value) throws(TreeError) in
        items.append(try decoding(key) { () throws(DecodingFailure) in try ExtendedAttributeItem(decoding: value) })
        return true
      }
      return items
    }
    var values: [[UInt8]: [UInt8]] = [:]
    for item in items {
      values[item.name] =
        item.contentPage == 0 ? item.value : try content(of: inode, from: item.contentPage, count: item.length)
    }
    return values
  }

  /// Bytes of an inode's pages; holes are zeros.
  private func content(of inode: InodeNumber, from page: UInt64, count: Int) throws(TreeError) -> [UInt8] {
    let pages = UInt64((count + blockSize - 1) / blockSize)
    let extents = try reading { (reader) throws(TreeError) in try reader.extents(of: inode, page..<page + pages) }
    var bytes = [UInt8](repeating: 0, count: Int(pages) * blockSize)
    var failure: LedgerError?
    bytes.withUnsafeMutableBytes { buffer in
      do throws(LedgerError) {
        for extent in extents {
          let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[(Int(extent.page - page) * blockSize)...])
          try ledger.readBlocks(extent.item.first, count: Int(extent.item.count), into: rest, mayBlock: true)
        }
      } catch {
        failure = error
      }
    }
    if let failure { throw TreeError(failure) }
    return Array(bytes[..<count])
  }
}
