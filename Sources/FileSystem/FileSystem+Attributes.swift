import Ledger
public import Store
public import SystemIO
import Tree

extension FileSystem {
  public func setattr(_ inode: InodeNumber, _ change: AttributeChange) throws(Errno) -> Attributes {
    let kind: RecordKind = change.size == nil ? .setAttributes : .truncate
    return try volume.transaction(kind) { (transaction) throws(Errno) in
      var item = try transaction.inode(inode)
      if let size = change.size { try truncate(&transaction, &item, inode, to: size) }
      if let mode = change.mode {
        item.mode = item.mode & Mode.typeMask | mode & Mode.permissionMask
        try transaction.followMode(item, inode)
      }
      if let owner = change.owner { item.owner = owner }
      if let group = change.group { item.group = group }
      if change.killsPrivileges || change.owner != nil || change.group != nil {
        if change.mode == nil { try transaction.killPrivileges(&item, inode) { _ in change.killsSetGroup } }
      }
      if let time = change.accessed { item.accessed = time.resolved(transaction.time) }
      if let time = change.modified { item.modified = time.resolved(transaction.time) }
      item.changed = change.changed ?? transaction.time
      transaction.put(item, inode)
      return Attributes(inode, item)
    }
  }

  /// Sets the size. What is cut off the last page becomes zero, for a later extension must not bring it back.
  private func truncate(
    _ transaction: inout Transaction, _ item: inout InodeItem, _ inode: InodeNumber, to size: UInt64
  ) throws(Errno) {
    guard item.isRegular else { throw item.isDirectory ? .isDirectory : .invalidArgument }
    guard size <= largestSize else { throw .fileTooLarge }
    if size < item.size {
      // The rest of the last page is zero already, so it is cut as a whole.
      let unit = UInt64(pageSize)
      let pages = try cut(&transaction, inode, from: size, to: (item.size + unit - 1) / unit * unit)
      item.pages = UInt64(Int64(item.pages) + pages)
      transaction.mutation.pages += pages
    }
    item.size = size
    item.touch(transaction.time)
  }

  /// Makes the bytes of a range zero: whole pages become holes, and the pages at both ends that other bytes share are
  /// rewritten. Returns by how many pages the content changed.
  func cut(
    _ transaction: inout Transaction, _ inode: InodeNumber, from start: UInt64, to end: UInt64
  ) throws(Errno) -> Int64 {
    let unit = UInt64(pageSize)
    var change = try zero(&transaction, inode, PageRange(offset: start, end: end).partialPages)
    let whole = (start + unit - 1) / unit..<max((start + unit - 1) / unit, end / unit)
    let extents = try transaction.reading { (tree) throws(TreeError) in try tree.extents(of: inode, whole) }
    if !extents.isEmpty {
      transaction.mutation.add(.unmap(inode, page: whole.lowerBound, count: UInt64(whole.count)))
      change -= Int64(extents.pages)
    }
    return change
  }

  /// Rewrites pages with some of their bytes zero; a hole stays one.
  private func zero(
    _ transaction: inout Transaction, _ inode: InodeNumber, _ parts: [PartialPage]
  ) throws(Errno) -> Int64 {
    var stored: [(page: UInt64, block: ExtentItem, bytes: Range<Int>)] = []
    for part in parts {
      let extents = try transaction.reading { (tree) throws(TreeError) in
        try tree.extents(of: inode, part.page..<part.page + 1)
      }
      if let block = extents.first?.item { stored.append((part.page, block, part.bytes)) }
    }
    guard !stored.isEmpty else { return 0 }
    let buffer = PageBuffer(pages: stored.count)
    for (index, part) in stored.enumerated() {
      let page = buffer.page(index)
      do throws(LedgerError) { try volume.readBlocks(part.block, into: page) } catch {
        throw Errno(error)
      }
      UnsafeMutableRawBufferPointer(rebasing: page[part.bytes]).initializeMemory(as: UInt8.self, repeating: 0)
    }
    let prepared = transaction.prepare(UnsafeRawBufferPointer(buffer.bytes))
    var change: Int64 = 0
    for (index, part) in zip(prepared, stored) {
      change += Int64(transaction.map(index..<index + 1, to: inode, page: part.page)) - 1
    }
    return change
  }
}

extension TimeChange {
  fileprivate func resolved(_ now: Timestamp) -> Timestamp {
    switch self {
    case .now: now
    case .at(let time): time
    }
  }
}
