public import SystemIO

extension ModelFileSystem.Node {
  private static let unit = ModelFileSystem.pageSize

  /// Bytes of a range, up to the end of the file.
  public func read(at offset: UInt64, count: Int) -> [UInt8] {
    guard offset < size else { return [] }
    let count = Int(min(UInt64(count), size - offset))
    var result = [UInt8](repeating: 0, count: count)
    for page in offset / Self.unit...(offset + UInt64(max(count, 1)) - 1) / Self.unit {
      guard let bytes = pages[page] else { continue }
      let start = max(offset, page * Self.unit)
      let end = min(offset + UInt64(count), (page + 1) * Self.unit)
      result.replaceSubrange(
        Int(start - offset)..<Int(end - offset),
        with: bytes[Int(start - page * Self.unit)..<Int(end - page * Self.unit)])
    }
    return result
  }

  public mutating func write(at offset: UInt64, _ bytes: [UInt8]) {
    var done = 0
    while done < bytes.count {
      let position = offset + UInt64(done)
      let inPage = Int(position % Self.unit)
      let count = min(bytes.count - done, Int(Self.unit) - inPage)
      var page = pages[position / Self.unit] ?? [UInt8](repeating: 0, count: Int(Self.unit))
      page.replaceSubrange(inPage..<inPage + count, with: bytes[done..<done + count])
      pages[position / Self.unit] = page.allSatisfy { $0 == 0 } ? nil : page
      done += count
    }
    if !bytes.isEmpty { size = max(size, offset + UInt64(bytes.count)) }
  }

  public mutating func setSize(_ newSize: UInt64) {
    if newSize < size { zero(from: newSize, to: size) }
    size = newSize
  }

  /// Makes bytes zero without a change of the size.
  public mutating func zero(from start: UInt64, to end: UInt64) {
    for (number, bytes) in pages {
      let first = max(start, number * Self.unit)
      let last = min(end, (number + 1) * Self.unit)
      guard first < last else { continue }
      var page = bytes
      let range = Int(first - number * Self.unit)..<Int(last - number * Self.unit)
      page.replaceSubrange(range, with: repeatElement(0, count: range.count))
      pages[number] = page.allSatisfy { $0 == 0 } ? nil : page
    }
  }

  /// SEEK_DATA (3) and SEEK_HOLE (4).
  public func seek(_ offset: UInt64, whence: Int32) throws(Errno) -> UInt64 {
    guard offset < size else { throw .noSuchDeviceOrAddress }
    let page = offset / Self.unit
    if whence == 3 {
      guard let next = pages.keys.filter({ $0 >= page }).min() else { throw .noSuchDeviceOrAddress }
      return max(offset, next * Self.unit)
    }
    guard pages[page] != nil else { return offset }
    var end = page
    while pages[end] != nil { end += 1 }
    return min(end * Self.unit, size)
  }
}
