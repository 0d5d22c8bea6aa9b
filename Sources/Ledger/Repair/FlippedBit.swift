public import SystemIO

/// Finds one flipped bit by trying each: of a few thousand candidates only what was written fits a checksum of 64 or 128 bits, so what it finds is
/// what was there. It puts right whatever has a checksum, also where there is no second copy.
public enum FlippedBit {
  /// The longest piece that is searched: the time grows with the square of its length, and this one takes seconds.
  static let longestSearched = 64 << 10
  /// Nothing that is longer was zeros but for one bit: what reads as zeros is a lost sector.
  fileprivate static let longestOfZeros = 64

  /// The offset of a byte whose flipped bit makes `bytes` sound again, which they are then; nil where no single bit does, and they are as before.
  public static func correct(
    _ bytes: inout [UInt8], in range: Range<Int>, _ isSound: (UnsafeRawBufferPointer) -> Bool
  ) -> Int? {
    bytes.withUnsafeMutableBytes { buffer in
      for offset in range {
        for bit in 0..<8 {
          buffer[offset] ^= 1 << UInt8(bit)
          if isSound(UnsafeRawBufferPointer(buffer)) { return offset }
          buffer[offset] ^= 1 << UInt8(bit)
        }
      }
      return nil
    }
  }
}

extension StorageFile {
  /// Puts the one flipped bit right in a piece of the file; false where it is not that, is not looked for, or cannot be
  /// read, and nothing is written then. One byte changes, so a crash leaves the old one or the right one.
  ///
  /// - Parameter range: where in the piece the bit is looked for; nil for all of it.
  public func correctFlippedBit(
    at offset: UInt64, count: Int, in range: Range<Int>? = nil, _ isSound: (UnsafeRawBufferPointer) -> Bool
  ) throws(Errno) -> Bool {
    let range = range ?? 0..<count
    guard range.count <= FlippedBit.longestSearched, var bytes = try readable(count, at: offset),
      count <= FlippedBit.longestOfZeros || bytes.contains(where: { $0 != 0 }),
      let found = FlippedBit.correct(&bytes, in: range, isSound)
    else { return false }
    try write([bytes[found]], at: offset + UInt64(found))
    try synchronize()
    return true
  }
}
