/// Bytes that travel as text.
///
/// Names and arguments are any bytes, and turning bytes into text would lose those that are not UTF-8. So each such byte travels as one
/// character of the last private-use plane, U+10FF80 to U+10FFFF, and is turned back in the end.
extension String {
  /// The text that stands for some bytes: themselves, where they are UTF-8.
  public init(carrying bytes: [UInt8]) {
    if let text = String(validating: bytes, as: UTF8.self), !text.unicodeScalars.contains(where: Self.carriesByte) {
      self = text
      return
    }
    self = ""
    for byte in bytes {
      unicodeScalars.append(byte < 0x80 ? Unicode.Scalar(byte) : Unicode.Scalar(Self.carriers + UInt32(byte)) ?? "?")
    }
  }

  /// The bytes that this text stands for.
  public var carriedBytes: [UInt8] {
    unicodeScalars.flatMap { scalar in
      Self.carriesByte(scalar) ? [UInt8(truncatingIfNeeded: scalar.value)] : Array(String(scalar).utf8)
    }
  }

  private static let carriers: UInt32 = 0x10FF00

  private static func carriesByte(_ scalar: Unicode.Scalar) -> Bool { scalar.value >= carriers + 0x80 }
}
