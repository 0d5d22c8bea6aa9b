/// A path as it is written into a patch, so that `git apply` and `patch` find the file: as git does it, but that names
/// with blanks are in quotes too. Without them `patch` does not know where a name ends.
struct PatchName {
  private let bytes: [UInt8]

  /// - Parameter prefix: `a/` or `b/`, or nothing for the lines that name a rename.
  init(_ prefix: String, _ path: [UInt8]) { bytes = Array(prefix.utf8) + path }

  /// In quotes, with escapes as in C, where the path has control characters, blanks, quotes, backslashes or bytes that
  /// are not ASCII.
  var quoted: [UInt8] {
    guard bytes.contains(where: { $0 == UInt8(ascii: " ") || Self.escape($0) != nil }) else { return bytes }
    var quoted = [UInt8(ascii: "\"")]
    for byte in bytes {
      if let escape = Self.escape(byte) { quoted += escape } else { quoted.append(byte) }
    }
    return quoted + [UInt8(ascii: "\"")]
  }

  private static func escape(_ byte: UInt8) -> [UInt8]? {
    switch byte {
    case 0x07: Array("\\a".utf8)
    case 0x08: Array("\\b".utf8)
    case UInt8(ascii: "\t"): Array("\\t".utf8)
    case UInt8(ascii: "\n"): Array("\\n".utf8)
    case 0x0b: Array("\\v".utf8)
    case 0x0c: Array("\\f".utf8)
    case UInt8(ascii: "\r"): Array("\\r".utf8)
    case UInt8(ascii: "\""), UInt8(ascii: "\\"): [UInt8(ascii: "\\"), byte]
    case 0..<0x20, 0x7f...0xff:
      [UInt8(ascii: "\\")] + [byte >> 6, byte >> 3 & 7, byte & 7].map { UInt8(ascii: "0") + $0 }
    default: nil
    }
  }
}
