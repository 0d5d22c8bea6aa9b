import Store

/// The size of a page, and of a block.
let pageSize = 4096

/// The largest size of a file: the last offset in off_t. Its last page ends one byte behind.
let largestSize = UInt64(Int64.max)

/// Bytes of a file and the pages that hold them.
struct PageRange {
  let offset: UInt64
  /// Behind the last byte.
  let end: UInt64

  init(offset: UInt64, end: UInt64) {
    self.offset = offset
    self.end = end
  }

  init(offset: UInt64, count: Int) { self.init(offset: offset, end: offset + UInt64(count)) }

  var count: Int { Int(end - offset) }
  var firstPage: UInt64 { offset / UInt64(pageSize) }
  /// Behind the last page.
  var endPage: UInt64 { (end + UInt64(pageSize) - 1) / UInt64(pageSize) }
  var pages: Range<UInt64> { firstPage..<endPage }
  var isAligned: Bool { offset % UInt64(pageSize) == 0 && end % UInt64(pageSize) == 0 }
  /// Where the bytes begin in the first page.
  var headOffset: Int { Int(offset % UInt64(pageSize)) }

  /// The pages at both ends that the range covers in part.
  var partialPages: [PartialPage] {
    let unit = UInt64(pageSize)
    var parts: [PartialPage] = []
    if headOffset != 0 {
      let limit = end < (firstPage + 1) * unit ? Int(end % unit) : pageSize
      parts.append(PartialPage(page: firstPage, bytes: headOffset..<limit))
    }
    if end % unit != 0, headOffset == 0 || end / unit != firstPage {
      parts.append(PartialPage(page: end / unit, bytes: 0..<Int(end % unit)))
    }
    return parts
  }
}

/// Some bytes of one page.
struct PartialPage {
  let page: UInt64
  let bytes: Range<Int>
}

/// Pages of memory, which are zero at first.
final class PageBuffer {
  let bytes: UnsafeMutableRawBufferPointer

  init(pages: Int) {
    bytes = .allocate(byteCount: pages * pageSize, alignment: pageSize)
    bytes.initializeMemory(as: UInt8.self, repeating: 0)
  }

  deinit { bytes.deallocate() }

  func page(_ index: Int) -> UnsafeMutableRawBufferPointer {
    UnsafeMutableRawBufferPointer(rebasing: bytes[index * pageSize..<(index + 1) * pageSize])
  }
}
