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
    var writer = ByteWriter(reserving: encodedSize(slots: entries.count))
    for entry in entries { entry.encode(into: &writer) }
    var sums = ByteWriter()
    writer.bytes.withUnsafeBytes { bytes in
      let stride = chunkSlots * SlotEntry.encodedSize
      for start in Swift.stride(from: 0, to: bytes.count, by: stride) {
        sums.integer(checksum(UnsafeRawBufferPointer(rebasing: bytes[start..<min(start + stride, bytes.count)])))
      }
    }
    writer.raw(sums.bytes)
    return (writer.bytes, checksum(sums.bytes))
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
