import SystemIO

// One record of the ledger, at a multiple of 8 in its segment:
//
//   0   magic "TREC" u32        4   length u32, of the whole record with its padding
//   8   LSN u64                 16  head u64, the fork that the record changes
//   24  time u64, ns since 1970 32  durable LSN u64 when this was appended
//   40  previous checksum u64   48  kind u16, flags u16 (0), body length u32
//   56  slot count u32          60  first slot u32
//   64  checksum u64            72  body, then the slot table (length u16, encoding u16, digest u64 u64 each), padded to 8
//   …   payload: the bytes of each new slot, each padded to 8
//
// The checksum (XXH3-64, seeded with the salt of the segment) covers everything before the payload, with its own field zero, and the
// previous record's checksum is part of it: the records form a chain. The payload is covered by the digests in the slot table. So the
// chain can still be verified after dead payload was given back.

/// The position and seal of one record, as read back.
public struct RecordHeader: Sendable {
  public var length: UInt32
  /// Log sequence number: dense, from 1.
  public var lsn: UInt64
  /// The fork or snapshot that the record is about.
  public var head: UInt64
  /// When it was made, in nanoseconds since 1970.
  public var time: UInt64
  /// All records up to this LSN were durable when this one was appended.
  public var durableLSN: UInt64
  var previousChecksum: UInt64
  public var kind: UInt16
  var bodyLength: UInt32
  public var slotCount: UInt32
  public var firstSlot: UInt32
  public internal(set) var checksum: UInt64
}

/// One record with its body, valid while the callback it was given to runs.
public struct Record {
  public let header: RecordHeader
  public let body: UnsafeRawBufferPointer
  /// The first of its new slots.
  public let firstBlock: BlockReference

  /// - Parameter prefix: the bytes of the record before its payload.
  init(header: RecordHeader, prefix: UnsafeRawBufferPointer, segment: UInt32) {
    self.header = header
    body = UnsafeRawBufferPointer(rebasing: prefix[RecordFormat.headerSize...].prefix(Int(header.bodyLength)))
    firstBlock = BlockReference(segment: segment, slot: header.firstSlot)
  }
}

enum RecordFormat {
  static let magic: UInt32 = 0x4345_5254  // "TREC"
  static let headerSize = 72
  static let checksumOffset = 64
  static let slotSize = 20
  /// A record is at most the largest request with room for its names and its slot table.
  static let maximumLength = 1 << 23

  /// Everything before the payload; the fields that only the appender knows are still zero.
  static func encode(
    kind: UInt16, head: UInt64, time: UInt64, body: [UInt8], slots: [SlotEntry], payload: Int
  ) -> [UInt8] {
    var writer = ByteWriter(reserving: headerSize + body.count + slots.count * slotSize + 8)
    writer.integer(magic)
    writer.integer(UInt32(0))
    writer.integer(UInt64(0))
    writer.integer(head)
    writer.integer(time)
    writer.integer(UInt64(0))
    writer.integer(UInt64(0))
    writer.integer(kind)
    writer.integer(UInt16(0))
    writer.integer(UInt32(body.count))
    writer.integer(UInt32(slots.count))
    writer.integer(UInt32(0))
    writer.integer(UInt64(0))
    writer.raw(body)
    encodeSlots(slots, into: &writer)
    writer.pad(to: 8)
    writer.replace(at: 4, with: UInt32(writer.bytes.count + payload))
    return writer.bytes
  }

  /// The slot table.
  static func encodeSlots(_ slots: [SlotEntry], into writer: inout ByteWriter) {
    for slot in slots {
      writer.integer(slot.length)
      writer.integer(slot.encoding.rawValue)
      writer.integer(slot.digest.low)
      writer.integer(slot.digest.high)
    }
  }

  /// Fills in what the appender knows and seals the record; returns its checksum.
  static func seal(
    _ record: inout [UInt8], lsn: UInt64, durableLSN: UInt64, previousChecksum: UInt64, firstSlot: UInt32, salt: UInt64
  ) -> UInt64 {
    record.withUnsafeMutableBytes { bytes in
      bytes.storeBytes(of: lsn.littleEndian, toByteOffset: 8, as: UInt64.self)
      bytes.storeBytes(of: durableLSN.littleEndian, toByteOffset: 32, as: UInt64.self)
      bytes.storeBytes(of: previousChecksum.littleEndian, toByteOffset: 40, as: UInt64.self)
      bytes.storeBytes(of: firstSlot.littleEndian, toByteOffset: 60, as: UInt32.self)
      let sum = checksum(UnsafeRawBufferPointer(bytes), seed: salt)
      bytes.storeBytes(of: sum.littleEndian, toByteOffset: checksumOffset, as: UInt64.self)
      return sum
    }
  }

  /// Reads the fixed fields; says nothing about their truth.
  static func decodeHeader(_ bytes: UnsafeRawBufferPointer) throws(DecodingFailure) -> RecordHeader {
    var reader = ByteReader(bytes)
    guard try reader.integer() == magic else { throw DecodingFailure("no record starts there") }
    let length: UInt32 = try reader.integer()
    let lsn: UInt64 = try reader.integer()
    let head: UInt64 = try reader.integer()
    let time: UInt64 = try reader.integer()
    let durableLSN: UInt64 = try reader.integer()
    let previousChecksum: UInt64 = try reader.integer()
    let kind: UInt16 = try reader.integer()
    let flags: UInt16 = try reader.integer()
    let bodyLength: UInt32 = try reader.integer()
    let slotCount: UInt32 = try reader.integer()
    let firstSlot: UInt32 = try reader.integer()
    let header = RecordHeader(
      length: length, lsn: lsn, head: head, time: time, durableLSN: durableLSN, previousChecksum: previousChecksum,
      kind: kind, bodyLength: bodyLength, slotCount: slotCount, firstSlot: firstSlot, checksum: try reader.integer())
    guard flags == 0, Int(length) <= maximumLength, length % 8 == 0, header.prefixLength <= Int(length) else {
      throw DecodingFailure("the lengths of the record do not fit together")
    }
    guard lsn < SegmentHeader.highestLSN else { throw DecodingFailure("the record has LSN \(lsn)") }
    return header
  }

  /// The slots of a record, with their places in the segment file; throws where they do not fill the payload exactly.
  static func decodeSlots(
    _ header: RecordHeader, prefix: UnsafeRawBufferPointer, recordOffset: UInt64
  ) throws(DecodingFailure) -> [SlotEntry] {
    var reader = ByteReader(
      UnsafeRawBufferPointer(rebasing: prefix[(headerSize + Int(header.bodyLength))...]))
    var offset = recordOffset + UInt64(header.prefixLength)
    var slots: [SlotEntry] = []
    slots.reserveCapacity(Int(header.slotCount))
    for _ in 0..<header.slotCount {
      let length: UInt16 = try reader.integer()
      guard length > 0, Int(length) <= blockSize, let encoding = BlockEncoding(rawValue: try reader.integer()) else {
        throw DecodingFailure("a slot of the record is malformed")
      }
      let digest = Digest(low: try reader.integer(), high: try reader.integer())
      slots.append(SlotEntry(offset: offset, length: length, encoding: encoding, digest: digest))
      offset += UInt64(paddedLength(length))
    }
    guard offset == recordOffset + UInt64(header.length) else {
      throw DecodingFailure("the slots of the record do not fill it")
    }
    return slots
  }

  /// Where headers may stand that say that `lsn` was durable.
  static func possibleRecords(in bytes: [UInt8], provingDurable lsn: UInt64) -> [Int] {
    bytes.withUnsafeBytes { buffer in
      stride(from: 0, through: buffer.count - headerSize, by: 8).filter { offset in
        UInt32(littleEndian: buffer.loadUnaligned(fromByteOffset: offset, as: UInt32.self)) == magic
          && UInt64(littleEndian: buffer.loadUnaligned(fromByteOffset: offset + 32, as: UInt64.self)) >= lsn
      }
    }
  }

  static func paddedLength(_ length: UInt16) -> Int { (Int(length) + 7) & ~7 }

  /// The checksum that a record's bytes before the payload should carry.
  static func expectedChecksum(_ prefix: UnsafeRawBufferPointer, salt: UInt64) -> UInt64 {
    var copy = [UInt8](prefix)
    for index in checksumOffset..<checksumOffset + 8 { copy[index] = 0 }
    return checksum(copy, seed: salt)
  }
}

extension RecordHeader {
  /// The bytes before the payload.
  var prefixLength: Int {
    (RecordFormat.headerSize + Int(bodyLength) + Int(slotCount) * RecordFormat.slotSize + 7) & ~7
  }
}
