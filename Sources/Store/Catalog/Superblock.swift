import Ledger
import SystemIO

// The file `format` is written once, when the store is made:
//
//   0   magic "TINESTOR" u64     8   version u32    12  reserved u32 (0)
//   16  identity u64 u64, random                    32  seed of the name hash u64, random
//   40  created at u64, ns since 1970               48  checksum u64 of everything before
//
// The version is the store's: any version of Tine reads the first 12 bytes and knows whether it may go on.

/// What is fixed for the life of a store.
struct Superblock {
  static let magic: UInt64 = 0x524f_5453_454e_4954  // "TINESTOR"
  static let version: UInt32 = 1
  static let path = "format"
  static let size = 56

  var identity: (UInt64, UInt64)
  var nameSeed: UInt64
  var createdAt: UInt64

  func encoded() -> [UInt8] {
    var writer = ByteWriter(reserving: Self.size)
    writer.integer(Self.magic)
    writer.integer(Self.version)
    writer.integer(UInt32(0))
    writer.integer(identity.0)
    writer.integer(identity.1)
    writer.integer(nameSeed)
    writer.integer(createdAt)
    writer.integer(checksum(writer.bytes))
    return writer.bytes
  }

  static func decode(_ bytes: [UInt8]) throws(StoreError) -> Superblock {
    do throws(DecodingFailure) {
      return try bytes.withUnsafeBytesTyped { (buffer) throws(DecodingFailure) in
        var reader = ByteReader(buffer)
        guard try reader.integer() == magic else { throw DecodingFailure("it is not the format file of a store") }
        let version: UInt32 = try reader.integer()
        guard version == Self.version else { throw DecodingFailure("it has version \(version)") }
        _ = try reader.integer(as: UInt32.self)
        let superblock = Superblock(
          identity: (try reader.integer(), try reader.integer()), nameSeed: try reader.integer(),
          createdAt: try reader.integer())
        let expected = checksum(UnsafeRawBufferPointer(rebasing: buffer[..<reader.offset]))
        guard try reader.integer() == expected else { throw DecodingFailure("its checksum is wrong") }
        return superblock
      }
    } catch {
      if let version = newerVersion(bytes) { throw StoreError(newerFormat: version) }
      throw StoreError(damage: "the file 'format': \(error)")
    }
  }

  private static func newerVersion(_ bytes: [UInt8]) -> UInt32? {
    bytes.withUnsafeBytes { buffer in
      var reader = ByteReader(buffer)
      guard (try? reader.integer(as: UInt64.self)) == magic, let version: UInt32 = try? reader.integer(),
        version > Self.version
      else { return nil }
      return version
    }
  }
}
