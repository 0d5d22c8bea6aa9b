/// Writes little-endian fields one after another into bytes that grow: the counterpart of `ByteReader`.
public struct ByteWriter: Sendable {
  public private(set) var bytes: [UInt8] = []

  public init(reserving capacity: Int = 0) { bytes.reserveCapacity(capacity) }

  @inline(__always)
  public mutating func integer<Value: FixedWidthInteger>(_ value: Value) {
    withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
  }

  public mutating func raw(_ source: UnsafeRawBufferPointer) { bytes.append(contentsOf: source) }

  public mutating func raw(_ source: [UInt8]) { bytes.append(contentsOf: source) }

  /// A byte string with a 32-bit length before it.
  public mutating func byteString(_ value: [UInt8]) {
    integer(UInt32(value.count))
    bytes.append(contentsOf: value)
  }

  /// Text as UTF-8 with a 32-bit length before it.
  public mutating func text(_ value: String) {
    integer(UInt32(value.utf8.count))
    bytes.append(contentsOf: value.utf8)
  }

  /// Appends zeros until the length is a multiple of `alignment`.
  public mutating func pad(to alignment: Int) {
    while bytes.count % alignment != 0 { bytes.append(0) }
  }

  /// Overwrites a field that was written before.
  public mutating func replace<Value: FixedWidthInteger>(at offset: Int, with value: Value) {
    precondition(offset + MemoryLayout<Value>.size <= bytes.count, "only written fields can be replaced")
    withUnsafeBytes(of: value.littleEndian) { source in
      for (index, byte) in source.enumerated() { bytes[offset + index] = byte }
    }
  }
}
