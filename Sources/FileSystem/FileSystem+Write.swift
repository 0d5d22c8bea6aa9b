import Ledger
public import Store
public import SystemIO
import Tree

extension FileSystem {
  /// The most that goes into one record.
  private static let largestWrite = PreparedBlocks.maximumPages * pageSize

  /// Writes bytes, over the end of the file where they reach there, and returns how many: all of them, or those before an error.
  ///
  /// - Parameter loseSetGroup: nil leaves privileges. Otherwise the set-user-ID and set-group-ID bits and the capabilities are
  ///   cleared, and it tells whether the set-group-ID bit of a file of this group goes even where the group may not execute it.
  public func write(
    _ inode: InodeNumber, at offset: UInt64, _ bytes: UnsafeRawBufferPointer,
    loseSetGroup: ((_ group: UInt32) -> Bool)? = nil
  ) throws(Errno) -> Int {
    guard offset <= largestSize, UInt64(bytes.count) <= largestSize - offset else { throw .fileTooLarge }
    if !volume.mayBlock, bytes.count > Self.largestWrite - pageSize { throw .wouldBlock }
    var done = 0
    while done < bytes.count {
      let start = offset + UInt64(done)
      // Pieces end at pages, so only the first and the last page of all can be written in part.
      let count = min(bytes.count - done, Self.largestWrite - Int(start % UInt64(pageSize)))
      let piece = UnsafeRawBufferPointer(rebasing: bytes[done..<done + count])
      do throws(Errno) {
        try writePiece(inode, PageRange(offset: start, count: count), piece, loseSetGroup)
      } catch {
        if done > 0 { return done }
        throw error
      }
      done += count
    }
    return done
  }

  private func writePiece(
    _ inode: InodeNumber, _ range: PageRange, _ bytes: UnsafeRawBufferPointer,
    _ loseSetGroup: ((_ group: UInt32) -> Bool)?
  ) throws(Errno) {
    try volume.transaction(.write, preparing: range.isAligned ? bytes : nil) { (transaction) throws(Errno) in
      var item = try transaction.inode(inode)
      guard item.isRegular else { throw Errno.invalidArgument }
      let old = try transaction.reading { (tree) throws(TreeError) in try tree.extents(of: inode, range.pages) }
      if !range.isAligned {
        let buffer = try fill(range, bytes, old)
        _ = transaction.prepare(UnsafeRawBufferPointer(buffer.bytes))
      }
      let stored = transaction.map(transaction.preparedPages, to: inode, page: range.firstPage)
      let pages = Int64(stored) - Int64(old.pages)
      item.pages = UInt64(Int64(item.pages) + pages)
      item.size = max(item.size, range.end)
      item.touch(transaction.time)
      if let loseSetGroup { try transaction.killPrivileges(&item, inode, loseSetGroup: loseSetGroup) }
      transaction.put(item, inode)
      transaction.mutation.pages = pages
    }
  }

  /// The whole pages around bytes that begin or end within a page: what is there already, with the bytes laid over it.
  private func fill(
    _ range: PageRange, _ bytes: UnsafeRawBufferPointer, _ old: [FileExtent]
  ) throws(Errno) -> PageBuffer {
    let buffer = PageBuffer(pages: range.pages.count)
    let startsInside = range.headOffset != 0
    let endsInside = range.end % UInt64(pageSize) != 0
    do throws(LedgerError) {
      for (page, isPartial) in [(range.firstPage, startsInside), (range.endPage - 1, endsInside)] where isPartial {
        guard let block = old.lazy.compactMap({ $0.clamped(to: page..<page + 1) }).first else { continue }
        try volume.readBlocks(block.item, into: buffer.page(Int(page - range.firstPage)))
      }
    } catch {
      throw Errno(error)
    }
    UnsafeMutableRawBufferPointer(rebasing: buffer.bytes[range.headOffset...]).copyMemory(from: bytes)
    return buffer
  }
}

extension [FileExtent] {
  /// How many pages they cover together.
  var pages: UInt64 { reduce(0) { $0 + UInt64($1.item.count) } }
}

extension Transaction {
  /// Clears the bits and the attribute that give a program the rights of its owner or of root.
  mutating func killPrivileges(
    _ item: inout InodeItem, _ inode: InodeNumber, loseSetGroup: (_ group: UInt32) -> Bool
  ) throws(Errno) {
    item.killPrivileges(loseSetGroup: loseSetGroup)
    let capabilities = [UInt8]("security.capability".utf8)
    if let found = try attribute(capabilities, of: inode) { removeAttribute(found) }
  }
}
