import SystemIO

// A segment file, of the ledger or of the index:
//
//   0        header, 4096 bytes (SegmentHeader, the rest zero)
//   4096     content: records (ledger) or node images (index), each at a multiple of 8
//   …        slot directory: an entry of 24 bytes for each slot, then a checksum for each chunk of 128 entries
//   end-64   footer (SegmentFooter)
//
// A segment without a valid footer is open: it was still being appended to, and its slots are found by reading its records.
// A footer of the ledger is written only after the content was flushed, so a valid one proves that the content before
// it was durable. In the index it is the manifest that says so.

/// The first page of a segment file.
struct SegmentHeader {
  static let magic: UInt64 = 0x3147_4553_454e_4954  // "TINESEG1"
  static let version: UInt32 = 1
  /// Content starts here.
  static let size = 4096
  /// The fields with their checksum; the rest is padding.
  static let encodedSize = 56

  var number: UInt32
  /// Random, the seed of the segment's record checksums: bytes that a tenant stores cannot pose as a record.
  var salt: UInt64
  /// The LSN of the first record (of the ledger).
  var firstLSN: UInt64
  /// The checksum of the record before the first.
  var previousChecksum: UInt64
  /// What was durable when the segment was made.
  var durableLSN: UInt64

  func encoded() -> [UInt8] {
    var writer = ByteWriter(reserving: Self.size)
    writer.integer(Self.magic)
    writer.integer(Self.version)
    writer.integer(number)
    writer.integer(salt)
    writer.integer(firstLSN)
    writer.integer(previousChecksum)
    writer.integer(durableLSN)
    writer.integer(checksum(writer.bytes))
    writer.pad(to: Self.size)
    return writer.bytes
  }

  /// No LSN that is given one by one gets there, so counting on never overflows.
  static let highestLSN: UInt64 = 1 << 62

  static func decode(_ bytes: [UInt8], expecting number: UInt32) throws(LedgerError) -> SegmentHeader {
    if let newer = newerVersion(bytes) { throw .newerFormat(newer) }
    do throws(DecodingFailure) {
      return try bytes.withUnsafeBytesTyped { (buffer) throws(DecodingFailure) in
        var reader = ByteReader(buffer)
        guard try reader.integer() == magic else { throw DecodingFailure("it has no segment header") }
        let version: UInt32 = try reader.integer()
        let header = SegmentHeader(
          number: try reader.integer(), salt: try reader.integer(), firstLSN: try reader.integer(),
          previousChecksum: try reader.integer(), durableLSN: try reader.integer())
        let expected = checksum(UnsafeRawBufferPointer(rebasing: buffer[..<reader.offset]))
        guard try reader.integer() == expected else { throw DecodingFailure("the checksum of its header is wrong") }
        guard version == Self.version else { throw DecodingFailure("it has version \(version)") }
        guard header.number == number else { throw DecodingFailure("it says it is segment \(header.number)") }
        guard header.firstLSN < highestLSN else { throw DecodingFailure("its first LSN is \(header.firstLSN)") }
        return header
      }
    } catch {
      throw .damaged("segment \(number): \(error)")
    }
  }
}

extension SegmentHeader {
  /// The version of a header that a later version of Tine wrote.
  private static func newerVersion(_ bytes: [UInt8]) -> UInt32? {
    bytes.withUnsafeBytes { buffer in
      var reader = ByteReader(buffer)
      guard (try? reader.integer(as: UInt64.self)) == magic, let version: UInt32 = try? reader.integer() else {
        return nil
      }
      return version > Self.version ? version : nil
    }
  }
}

/// Where a slot's bytes stand in its segment file.
public struct SlotEntry: Equatable, Sendable {
  static let encodedSize = 24

  /// In bytes from the start of the file; a multiple of 8.
  public var offset: UInt64
  /// How many bytes are stored; 0 for a slot that holds nothing.
  public var length: UInt16
  public var encoding: BlockEncoding
  /// Of the block as it was before it was compressed.
  public var digest: Digest

  static let empty = SlotEntry(offset: 0, length: 0, encoding: .raw, digest: Digest(low: 0, high: 0))

  func encode(into writer: inout ByteWriter) {
    writer.integer(UInt32(offset / 8))
    writer.integer(length)
    writer.integer(encoding.rawValue)
    writer.integer(digest.low)
    writer.integer(digest.high)
  }

  static func decode(_ reader: inout ByteReader) throws(DecodingFailure) -> SlotEntry {
    let offset = UInt64(try reader.integer(as: UInt32.self)) * 8
    let length: UInt16 = try reader.integer()
    guard let encoding = BlockEncoding(rawValue: try reader.integer()) else {
      throw DecodingFailure("a slot has an unknown encoding")
    }
    return SlotEntry(
      offset: offset, length: length, encoding: encoding,
      digest: Digest(low: try reader.integer(), high: try reader.integer()))
  }
}

/// The last bytes of a sealed segment.
struct SegmentFooter {
  static let magic: UInt64 = 0x4c41_4553_454e_4954  // "TINESEAL"
  static let size = 64

  var number: UInt32
  var slotCount: UInt32
  /// Where the records or node images end.
  var contentEnd: UInt64
  var directoryOffset: UInt64
  var lastLSN: UInt64
  var lastChecksum: UInt64
  /// The checksum of the checksums of the directory's chunks.
  var directoryChecksum: UInt64

  /// - Parameter salt: of the segment; it seeds the checksum, so that the last bytes a tenant stores cannot pose as a footer.
  func encoded(salt: UInt64) -> [UInt8] {
    var writer = ByteWriter(reserving: Self.size)
    writer.integer(Self.magic)
    writer.integer(number)
    writer.integer(slotCount)
    writer.integer(contentEnd)
    writer.integer(directoryOffset)
    writer.integer(lastLSN)
    writer.integer(lastChecksum)
    writer.integer(directoryChecksum)
    writer.integer(checksum(writer.bytes, seed: salt))
    return writer.bytes
  }

  /// Nil where the bytes are no footer of this segment: the segment is open, or its end is damaged.
  static func decode(_ bytes: [UInt8], of header: SegmentHeader, fileSize: UInt64) -> SegmentFooter? {
    bytes.withUnsafeBytes { buffer in
      var reader = ByteReader(buffer)
      guard
        let magic: UInt64 = try? reader.integer(), magic == Self.magic,
        let number: UInt32 = try? reader.integer(), let slotCount: UInt32 = try? reader.integer(),
        let contentEnd: UInt64 = try? reader.integer(), let directoryOffset: UInt64 = try? reader.integer(),
        let lastLSN: UInt64 = try? reader.integer(), let lastChecksum: UInt64 = try? reader.integer(),
        let directoryChecksum: UInt64 = try? reader.integer()
      else { return nil }
      let expected = checksum(UnsafeRawBufferPointer(rebasing: buffer[..<reader.offset]), seed: header.salt)
      guard (try? reader.integer(as: UInt64.self)) == expected else { return nil }
      let footer = SegmentFooter(
        number: number, slotCount: slotCount, contentEnd: contentEnd, directoryOffset: directoryOffset,
        lastLSN: lastLSN, lastChecksum: lastChecksum, directoryChecksum: directoryChecksum)
      return footer.number == header.number && footer.fits(fileSize) ? footer : nil
    }
  }

  private func fits(_ fileSize: UInt64) -> Bool {
    let size = UInt64(SlotDirectory.encodedSize(slots: Int(slotCount)))
    let (end, overflow) = directoryOffset.addingReportingOverflow(size)
    return !overflow && fileSize >= Self.size && end == fileSize - UInt64(Self.size) && contentEnd <= directoryOffset
  }
}
