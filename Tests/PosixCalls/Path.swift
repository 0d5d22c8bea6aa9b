/// A path of any bytes but zero.
public struct Path: Hashable, Sendable, ExpressibleByStringInterpolation, CustomStringConvertible,
  CustomDebugStringConvertible
{
  public let bytes: [UInt8]

  public init(_ bytes: [UInt8]) { self.bytes = bytes }
  public init(stringLiteral value: String) { bytes = Array(value.utf8) }
  public init(_ text: String) { bytes = Array(text.utf8) }

  public static func / (directory: Path, name: Path) -> Path { Path(directory.bytes + [0x2f] + name.bytes) }

  /// Its text, where bytes that are not UTF-8 are replaced.
  public var description: String { String(decoding: bytes, as: UTF8.self) }

  /// In quotes, with all that is not plain in hexadecimal, and only the beginning of a long one.
  public var debugDescription: String {
    let shown = bytes.prefix(bytes.count > 100 ? 30 : 100).map { byte in
      let isPlain = (0x20..<0x7f).contains(byte) && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
      return isPlain ? String(UnicodeScalar(byte)) : "\\x" + String(byte >> 4, radix: 16) + String(byte & 15, radix: 16)
    }.joined()
    return "\"\(shown)\"" + (bytes.count > 100 ? "… of \(bytes.count) bytes" : "")
  }

  func withCString<Result>(_ body: (UnsafePointer<CChar>) -> Result) -> Result {
    (bytes + [0]).withUnsafeBytes { body($0.baseAddress!.assumingMemoryBound(to: CChar.self)) }
  }
}
