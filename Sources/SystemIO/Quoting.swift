/// How names are shown to people: in what commands print, in messages, in logs.
///
/// A name is any bytes, and what shows it may be a terminal, which obeys some of them. So a name is shown as it is only where that is harmless and
/// cannot be taken for anything else; otherwise it stands in double quotes, with escapes as in C:
///
/// - bytes that are not UTF-8, and all bytes of a character that is not visible by itself (controls of C0 and C1, marks of direction, blanks but the
///   plain one, characters without width, variation selectors, separators of lines, private and unassigned ones), as three octal digits, or by
///   their letter where C has one,
/// - quotes and backslashes with a backslash before them.
///
/// Two different names never show alike: nothing that is shown as it is begins with a quote or holds a backslash.
public enum Quoting {
  /// A name, in quotes where it needs them.
  public static func quoted(_ name: [UInt8]) -> String {
    needsQuotes(name) ? "\"" + escaped(name, besides: [UInt8(ascii: "\""), UInt8(ascii: "\\")]) + "\"" : asText(name)
  }

  /// A text that may hold names, such as a message from elsewhere, without whatever a terminal would obey.
  ///
  /// - Parameter keepingLines: whether ends of lines stay.
  public static func harmless(_ text: String, keepingLines: Bool = false) -> String {
    escaped(text.carriedBytes, keeping: keepingLines ? UInt8(ascii: "\n") : nil)
  }

  /// Whether a character shows by itself, and does nothing else.
  public static func isVisible(_ scalar: Unicode.Scalar) -> Bool {
    if scalar.value < 0x7F { return scalar.value >= 0x20 }
    switch scalar.properties.generalCategory {
    case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator, .spaceSeparator:
      return false
    default:
      // The second is a letter of Braille without a dot.
      return !scalar.properties.isDefaultIgnorableCodePoint && scalar.value != 0x2800
    }
  }

  // MARK: Helpers

  /// What stands between names and other things in what Tine prints.
  private static let separators = ["  ", " -> ", ": ", ", ", " ("].map { Array($0.utf8) }

  private static func needsQuotes(_ name: [UInt8]) -> Bool {
    guard let first = name.first, let last = name.last else { return true }
    let blank = UInt8(ascii: " ")
    if first == blank || last == blank || first == UInt8(ascii: "'") { return true }
    if name.contains(where: { $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "\\") }) { return true }
    if name.contains(blank), separators.contains(where: { contains(name, $0) }) { return true }
    return !name.allSatisfy { (0x20..<0x7F).contains($0) } && escaped(name) != asText(name)
  }

  private static func contains(_ name: [UInt8], _ part: [UInt8]) -> Bool {
    name.indices.contains { name[$0...].starts(with: part) }
  }

  private static func asText(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

  /// - Parameters:
  ///   - special: bytes that get a backslash.
  ///   - kept: a control that stays as it is.
  private static func escaped(_ bytes: [UInt8], besides special: [UInt8] = [], keeping kept: UInt8? = nil) -> String {
    var text = ""
    var parser = Unicode.UTF8.ForwardParser()
    var iterator = bytes.makeIterator()
    var position = 0
    var previous: Unicode.Scalar?
    while true {
      var shown: Unicode.Scalar?
      let length: Int
      switch parser.parseScalar(from: &iterator) {
      case .emptyInput: return text
      case .error(let count): length = count
      case .valid(let encoded):
        length = encoded.count
        let scalar = Unicode.UTF8.decode(encoded)
        if isVisible(scalar) && canFollow(scalar, previous) || scalar.value == kept.map(UInt32.init) { shown = scalar }
      }
      if let shown {
        if shown.isASCII, special.contains(UInt8(shown.value)) { text.append("\\") }
        text.unicodeScalars.append(shown)
      } else {
        for byte in bytes[position..<position + length] { text += escape(byte) }
      }
      previous = shown
      position += length
    }
  }

  /// A mark that has nothing to stand on would change what Tine prints before it.
  private static func canFollow(_ scalar: Unicode.Scalar, _ previous: Unicode.Scalar?) -> Bool {
    if scalar.isASCII { return true }
    switch scalar.properties.generalCategory {
    case .nonspacingMark, .spacingMark, .enclosingMark:
      return previous.map { !$0.isASCII || $0.properties.isAlphabetic || $0.properties.numericType != nil } ?? false
    default: return true
    }
  }

  private static func escape(_ byte: UInt8) -> String {
    if let letter = letters[byte] { return "\\" + letter }
    let digits = String(byte, radix: 8)
    return "\\" + String(repeating: "0", count: 3 - digits.count) + digits
  }

  private static let letters: [UInt8: String] = [7: "a", 8: "b", 9: "t", 10: "n", 11: "v", 12: "f", 13: "r"]
}

extension String {
  /// This name, in double quotes where it needs them.
  public var quoted: String { Quoting.quoted(carriedBytes) }

  /// This name in quotes in any case: single ones where nothing in it needs more, as in `there is no fork 'prod'`.
  public var named: String {
    let quoted = quoted
    return quoted == self && !contains("'") ? "'\(self)'" : quoted.hasPrefix("\"") ? quoted : "\"\(quoted)\""
  }
}
