/// A path of any bytes but zero.
public struct Path: Hashable, Sendable, ExpressibleByStringInterpolation, CustomStringConvertible {
  public let bytes: [UInt8]

  public init(_ bytes: [UInt8]) { self.bytes = bytes }
  public init(stringLiteral value: String) { bytes = Array(value.utf8) }
  public init(_ text: String) { bytes = Array(text.utf8) }

  public static func / (directory: Path, name: Path) -> Path { Path(directory.bytes + [0x2f] + name.bytes) }

  /// Its text, where bytes that are not UTF-8 are replaced.
  public var description: String { String(decoding: bytes, as: UTF8.self) }

  func withCString<Result>(_ body: (UnsafePointer<CChar>) -> Result) -> Result {
    (bytes + [0]).withUnsafeBytes { body($0.baseAddress!.assumingMemoryBound(to: CChar.self)) }
  }
}
