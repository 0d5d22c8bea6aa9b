import SystemIO

/// Encodes and decodes the slot directory that ends a sealed segment: fixed entries in chunks of 128, so that one look-up reads and
/// verifies about 3 KiB, whatever the size of the segment.
enum SlotDirectory {
  static let chunkSlots = 128

  static func chunkCount(slots: Int) -> Int { (slots + chunkSlots - 1) / chunkSlots }

  /// The entries and the checksums of their chunks, in bytes.
  static func encodedSize(slots: Int) -> Int { slots * SlotEntry.encodedSize + chunkCount(slots: slots) * 8 }

  /// The bytes of the directory, and the checksum over its chunks' checksums.
  static func encode(_ entries: [SlotEntry]) -> (bytes: [UInt8], checksum: UInt64) {
    let bytes = encodeEntries(entries)
    let sums = chunkChecksums(of: bytes)
    return (bytes + sums, checksum(sums))
  }

  static func encodeEntries(_ entries: [SlotEntry]) -> [UInt8] {
    var writer = ByteWriter(reserving: encodedSize(slots: entries.count))
    for entry in entries { entry.encode(into: &writer) }
    return writer.bytes
  }

  /// The checksums of the chunks of encoded entries.
  static func chunkChecksums(of entries: [UInt8]) -> [UInt8] {
    var sums = ByteWriter()
    entries.withUnsafeBytes { bytes in
      let stride = chunkSlots * SlotEntry.encodedSize
      for start in Swift.stride(from: 0, to: bytes.count, by: stride) {
        sums.integer(checksum(UnsafeRawBufferPointer(rebasing: bytes[start..<min(start + stride, bytes.count)])))
      }
    }
    return sums.bytes
  }

  /// The entries of one chunk, verified against its checksum.
  static func decodeChunk(_ bytes: [UInt8], checksum expected: UInt64) throws(DecodingFailure) -> [SlotEntry] {
    guard checksum(bytes) == expected else { throw DecodingFailure("the slot directory is damaged") }
    return try bytes.withUnsafeBytesTyped { (buffer) throws(DecodingFailure) in
      var reader = ByteReader(buffer)
      var entries: [SlotEntry] = []
      entries.reserveCapacity(chunkSlots)
      while reader.remaining > 0 { entries.append(try SlotEntry.decode(&reader)) }
      return entries
    }
  }
}
