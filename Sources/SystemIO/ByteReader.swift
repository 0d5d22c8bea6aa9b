/// What a decoder throws when bytes do not hold what they should.
public struct DecodingFailure: Error, Sendable, CustomStringConvertible {
  /// What was being read, for a message to a person.
  public let description: String

  public init(_ description: String) { self.description = description }
}

/// Reads little-endian fields one after another. Every read is checked against the end of the bytes, so hostile bytes
/// give an error and never a trap. The bytes must outlive the reader.
public struct ByteReader {
  private let bytes: UnsafeRawBufferPointer
  /// How many bytes were read so far.
  public private(set) var offset = 0

  public init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  /// How many bytes are left.
  public var remaining: Int { bytes.count - offset }

  public mutating func integer<Value: FixedWidthInteger>(
    as type: Value.Type = Value.self
  ) throws(DecodingFailure) -> Value {
    guard remaining >= MemoryLayout<Value>.size else { throw DecodingFailure("the bytes end within a field") }
    let value = bytes.loadUnaligned(fromByteOffset: offset, as: Value.self)
    offset += MemoryLayout<Value>.size
    return Value(littleEndian: value)
  }

  /// The next `count` bytes, not copied.
  public mutating func bytes(_ count: Int) throws(DecodingFailure) -> UnsafeRawBufferPointer {
    guard count >= 0, count <= remaining else { throw DecodingFailure("the bytes end within a field") }
    defer { offset += count }
    return UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + count])
  }

  /// A byte string that a 32-bit length precedes, copied.
  public mutating func byteString() throws(DecodingFailure) -> [UInt8] {
    let count = try integer(as: UInt32.self)
    return [UInt8](try bytes(Int(count)))
  }

  /// UTF-8 text that a 32-bit length precedes.
  public mutating func text() throws(DecodingFailure) -> String {
    guard let text = String(validating: try byteString(), as: UTF8.self) else {
      throw DecodingFailure("a text is not UTF-8")
    }
    return text
  }
}
