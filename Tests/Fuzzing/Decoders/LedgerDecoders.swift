import SystemIO

@testable import Ledger

/// What stands in the segments of the ledger and of the index.
extension Decoder {
  func acceptsSegmentHeader(_ bytes: [UInt8]) -> Bool {
    var bytes = bytes
    bytes.seal(48)
    return succeeds {
      let header = try SegmentHeader.decode(bytes, expecting: bytes.number(at: 12))
      precondition(header.encoded().prefix(56) == bytes.prefix(56), "what was decoded encodes to other bytes")
    }
  }

  /// The size of the file, then the footer.
  func acceptsSegmentFooter(_ bytes: [UInt8]) -> Bool {
    guard bytes.count >= 8 else { return false }
    var footer = Array(bytes[8...])
    let salt: UInt64 = 7
    footer.seal(56, seed: salt)
    let header = SegmentHeader(
      number: footer.number(at: 8), salt: salt, firstLSN: 1, previousChecksum: 0, durableLSN: 0)
    guard let decoded = SegmentFooter.decode(footer, of: header, fileSize: bytes.number(at: 0)) else { return false }
    precondition(decoded.encoded(salt: salt)[...] == footer.prefix(64), "what was decoded encodes to other bytes")
    return true
  }

  func acceptsSlotDirectory(_ bytes: [UInt8]) -> Bool {
    succeeds {
      let slots = try SlotDirectory.decodeChunk(bytes, checksum: checksum(bytes))
      precondition(SlotDirectory.encode(slots).bytes.starts(with: bytes), "what was decoded encodes to other bytes")
    }
  }

  /// A record up to its payload.
  func acceptsRecord(_ bytes: [UInt8]) -> Bool {
    _ = RecordFormat.possibleRecords(in: bytes, provingDurable: 1)
    return succeeds {
      try bytes.withUnsafeBytesTyped { (buffer) throws(DecodingFailure) in
        let header = try RecordFormat.decodeHeader(buffer)
        guard header.prefixLength <= buffer.count else { throw DecodingFailure("the record is cut short") }
        let prefix = UnsafeRawBufferPointer(rebasing: buffer[..<header.prefixLength])
        _ = RecordFormat.expectedChecksum(prefix, salt: 7)
        _ = try RecordFormat.decodeSlots(header, prefix: prefix, recordOffset: 4096)
        _ = Record(header: header, prefix: prefix, segment: 1).body.count
      }
    }
  }

  /// How a block is stored, and its bytes.
  func acceptsBlock(_ bytes: [UInt8]) -> Bool {
    guard bytes.count > 1, let encoding = BlockEncoding(rawValue: UInt16(bytes[0])) else { return false }
    return withUnsafeTemporaryAllocation(byteCount: blockSize, alignment: 16) { target in
      bytes.withUnsafeBytes {
        BlockCodec.decompress(UnsafeRawBufferPointer(rebasing: $0[1...]), encoding, into: target.baseAddress!)
      }
    }
  }
}
