import TestSupport
import Testing

@testable import SystemIO

@Suite struct BytesTests {
  @Test func whatIsWrittenIsReadBack() throws {
    var writer = ByteWriter()
    writer.integer(UInt16(0xBEEF))
    writer.text("grüße")
    writer.byteString([1, 2, 3])
    writer.integer(Int64(-5))
    try writer.bytes.withUnsafeBytes { (bytes) throws in
      var reader = ByteReader(bytes)
      #expect(try reader.integer(as: UInt16.self) == 0xBEEF)
      #expect(try reader.text() == "grüße")
      #expect(try reader.byteString() == [1, 2, 3])
      #expect(try reader.integer(as: Int64.self) == -5)
      #expect(reader.remaining == 0)
    }
  }

  @Test func everyTruncationIsAnError() throws {
    var writer = ByteWriter()
    writer.integer(UInt64.max)
    writer.text("name")
    for length in 0..<writer.bytes.count {
      let cut = Array(writer.bytes[..<length])
      cut.withUnsafeBytes { bytes in
        var reader = ByteReader(bytes)
        #expect(throws: DecodingFailure.self) {
          _ = try reader.integer(as: UInt64.self)
          _ = try reader.text()
        }
      }
    }
  }

  @Test func aLengthThatPointsBehindTheEndIsAnError() {
    let bytes: [UInt8] = [0xFF, 0xFF, 0xFF, 0xFF, 1]
    bytes.withUnsafeBytes { bytes in
      var reader = ByteReader(bytes)
      #expect(throws: DecodingFailure.self) { _ = try reader.byteString() }
    }
  }
}
