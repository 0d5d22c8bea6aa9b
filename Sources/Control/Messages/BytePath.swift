import FoundationEssentials
import SystemIO

/// A path or another name as the kernel has it: any bytes but NUL. In JSON it is text, and beside it, under the same name with
/// `_bytes`, stands its base64 form where the bytes are not UTF-8.
public struct BytePath: Hashable, Sendable {
  public let bytes: [UInt8]

  public init(_ bytes: [UInt8]) { self.bytes = bytes }

  public init(_ text: String) { bytes = Array(text.utf8) }

  /// The path as text; bytes that are not UTF-8 show as U+FFFD.
  public var text: String { String(decoding: bytes, as: UTF8.self) }

  /// The path as people read it (see `Quoting`).
  public var quoted: String { Quoting.quoted(bytes) }

  /// The base64 form, where the text alone would lose something.
  var encodedBytes: String? {
    String(validating: bytes, as: UTF8.self) == nil ? Data(bytes).base64EncodedString() : nil
  }
}

extension KeyedEncodingContainer {
  /// Writes a name as text, and its bytes beside it where the text is not exact.
  public mutating func encode(_ path: BytePath, forKey key: Key, bytesKey: Key) throws {
    try encode(path.text, forKey: key)
    try encodeIfPresent(path.encodedBytes, forKey: bytesKey)
  }
}

extension KeyedDecodingContainer {
  func decodePath(forKey key: Key, bytesKey: Key) throws -> BytePath {
    let text = try decode(String.self, forKey: key)
    guard let encoded = try decodeIfPresent(String.self, forKey: bytesKey) else { return BytePath(text) }
    guard let bytes = Data(base64Encoded: encoded) else {
      throw DecodingError.dataCorruptedError(forKey: bytesKey, in: self, debugDescription: "not base64")
    }
    return BytePath([UInt8](bytes))
  }

  func decodePathIfPresent(forKey key: Key, bytesKey: Key) throws -> BytePath? {
    contains(key) ? try decodePath(forKey: key, bytesKey: bytesKey) : nil
  }
}
