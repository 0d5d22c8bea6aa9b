import Ledger
public import Store
public import SystemIO
import Tree

/// fallocate, lseek and copy_file_range.
extension FileSystem {
  /// Flags of fallocate(2).
  private static let keepSize: Int32 = 1
  private static let punchHole: Int32 = 2
  private static let zeroRange: Int32 = 16

  /// Space is not reserved, for every write takes new space anyway: allocation extends the file, punching and zeroing make holes.
  public func fallocate(_ inode: InodeNumber, mode: Int32, offset: UInt64, length: UInt64) throws(Errno) {
    guard length > 0 else { throw .invalidArgument }
    guard offset <= largestSize, length <= largestSize - offset else { throw .fileTooLarge }
    switch mode {
    case 0, Self.keepSize: try extend(inode, to: mode == 0 ? offset + length : 0)
    case Self.punchHole | Self.keepSize: try zero(inode, offset, length, extending: false)
    case Self.zeroRange, Self.zeroRange | Self.keepSize:
      try zero(inode, offset, length, extending: mode == Self.zeroRange)
    default: throw .notSupported
    }
  }

  private func extend(_ inode: InodeNumber, to size: UInt64) throws(Errno) {
    try volume.transaction(.allocate) { (transaction) throws(Errno) in
      var item = try transaction.inode(inode)
      guard item.isRegular else { throw Errno.noDevice }
      item.size = max(item.size, size)
      item.touch(transaction.time)
      transaction.put(item, inode)
    }
  }

  private func zero(_ inode: InodeNumber, _ offset: UInt64, _ length: UInt64, extending: Bool) throws(Errno) {
    try volume.transaction(.allocate) { (transaction) throws(Errno) in
      var item = try transaction.inode(inode)
      guard item.isRegular else { throw Errno.noDevice }
      let pages = try cut(&transaction, inode, from: offset, to: offset + length)
      item.pages = UInt64(Int64(item.pages) + pages)
      transaction.mutation.pages = pages
      if extending { item.size = max(item.size, offset + length) }
      item.touch(transaction.time)
      transaction.put(item, inode)
    }
  }

  /// SEEK_DATA (3) and SEEK_HOLE (4). Behind the last byte of a file is a hole.
  public func lseek(_ inode: InodeNumber, offset: UInt64, whence: Int32) throws(Errno) -> UInt64 {
    let unit = UInt64(pageSize)
    guard whence == 3 || whence == 4 else { throw .invalidArgument }
    let found = try reading { (tree) throws(TreeError) -> UInt64? in
      guard let item = try tree.inode(inode), offset < item.size else { return nil }
      guard var extent = try tree.firstExtent(of: inode, from: offset / unit), extent.page * unit < item.size else {
        return whence == 3 ? nil : offset
      }
      if whence == 3 { return max(offset, extent.page * unit) }
      if extent.page * unit > offset { return offset }
      while let next = try tree.firstExtent(of: inode, from: extent.end), next.page == extent.end { extent = next }
      return min(extent.end * unit, item.size)
    }
    guard let found else { throw .noSuchDeviceOrAddress }
    return found
  }

  /// The most extents that one record copies.
  private static let mostCopiedExtents = 8192

  /// Copies by letting both files refer to the same blocks, where whole pages allow it; otherwise byte by byte. Returns how many bytes
  /// were copied: fewer than asked for at the end of the source, and where the range is in very many extents.
  ///
  /// - Parameter onlySharing: fail with `.notSupported` instead of copying byte by byte.
  public func copyFileRange(
    _ source: InodeNumber, at sourceOffset: UInt64, to target: InodeNumber, at targetOffset: UInt64, length: UInt64,
    onlySharing: Bool = false
  ) throws(Errno) -> UInt64 {
    let size = try item(source).size
    guard sourceOffset < size else { return 0 }
    let count = min(length, size - sourceOffset)
    guard targetOffset <= largestSize, count <= largestSize - targetOffset else { throw .fileTooLarge }
    let unit = UInt64(pageSize)
    let overlaps = source == target && sourceOffset < targetOffset + count && targetOffset < sourceOffset + count
    if overlaps { throw .invalidArgument }
    let shared =
      sourceOffset % unit == 0 && targetOffset % unit == 0
      ? try shareBlocks(source, sourceOffset, target, targetOffset, count) : 0
    if shared == 0, onlySharing { throw .notSupported }
    return shared > 0 ? shared : try copyBytes(source, sourceOffset, target, targetOffset, min(count, 1 << 20))
  }

  /// Shares the whole pages of a range, and the page in which it ends where both files end there: behind the end it is zero. Returns
  /// how many bytes were copied that way.
  private func shareBlocks(
    _ source: InodeNumber, _ sourceOffset: UInt64, _ target: InodeNumber, _ targetOffset: UInt64, _ length: UInt64
  ) throws(Errno) -> UInt64 {
    let unit = UInt64(pageSize)
    return try volume.transaction(.copyRange) { (transaction) throws(Errno) in
      var item = try transaction.inode(target)
      guard item.isRegular else { throw Errno.invalidArgument }
      let size = try transaction.inode(source).size
      var count = min(length, size - min(size, sourceOffset))
      let endsBoth = sourceOffset + count == size && targetOffset + count >= item.size
      if !endsBoth { count -= count % unit }
      let (sourcePage, targetPage) = (sourceOffset / unit, targetOffset / unit)
      var pages = (count + unit - 1) / unit
      let extents = try transaction.reading { (tree) throws(TreeError) in
        try tree.extents(of: source, sourcePage..<sourcePage + pages, atMost: Self.mostCopiedExtents)
      }
      if extents.count == Self.mostCopiedExtents, let last = extents.last {
        pages = last.end - sourcePage
        count = min(count, pages * unit)
      }
      guard count > 0 else { return 0 }
      let old = try transaction.reading { (tree) throws(TreeError) in
        try tree.extents(of: target, targetPage..<targetPage + pages)
      }
      transaction.mutation.add(.unmap(target, page: targetPage, count: pages))
      for extent in extents {
        transaction.mutation.add(
          .map(
            target, page: targetPage + (extent.page - sourcePage), count: extent.item.count, first: extent.item.first))
      }
      let change = Int64(extents.pages) - Int64(old.pages)
      item.pages = UInt64(Int64(item.pages) + change)
      transaction.mutation.pages = change
      item.size = max(item.size, targetOffset + count)
      item.touch(transaction.time)
      transaction.put(item, target)
      return count
    }
  }

  private func copyBytes(
    _ source: InodeNumber, _ sourceOffset: UInt64, _ target: InodeNumber, _ targetOffset: UInt64, _ count: UInt64
  ) throws(Errno) -> UInt64 {
    let buffer = PageBuffer(pages: Int((count + UInt64(pageSize) - 1) / UInt64(pageSize)))
    let bytes = UnsafeMutableRawBufferPointer(rebasing: buffer.bytes[..<Int(count)])
    let read = try read(source, at: sourceOffset, into: bytes)
    return UInt64(try write(target, at: targetOffset, UnsafeRawBufferPointer(rebasing: bytes[..<read])))
  }
}
