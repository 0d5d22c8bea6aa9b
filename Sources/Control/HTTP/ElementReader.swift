/// Splits a body that is one JSON array into the texts of its elements, as they come.
struct ElementReader<Source: ByteSource> {
  private var response: Response<Source>
  private var piece: ArraySlice<UInt8> = []
  private var hasBegun = false
  private var hasEnded = false
  /// No element is longer, so that nothing the other side sends is kept without bound.
  private static var limit: Int { 64 << 20 }

  init(_ response: consuming Response<Source>) { self.response = response }

  /// The text of the next element; nil after the last one.
  mutating func next() throws(Failure) -> [UInt8]? {
    var element: [UInt8] = []
    var depth = 0
    var isInText = false
    var isEscaped = false
    while !hasEnded {
      guard let byte = try nextByte() else { throw .truncated }
      if !hasBegun {
        if Self.isBlank(byte) { continue }
        guard byte == UInt8(ascii: "[") else { throw .malformed("it is not an array") }
        hasBegun = true
        continue
      }
      if isInText {
        element.append(byte)
        if isEscaped { isEscaped = false } else if byte == UInt8(ascii: "\\") { isEscaped = true } else { isInText = byte != UInt8(ascii: "\"") }
      } else {
        switch byte {
        case UInt8(ascii: "]") where depth == 0:
          hasEnded = true
          return element.isEmpty ? nil : element
        case UInt8(ascii: ",") where depth == 0: return element
        case UInt8(ascii: "["), UInt8(ascii: "{"): depth += 1
        case UInt8(ascii: "]"), UInt8(ascii: "}"): depth -= 1
        case UInt8(ascii: "\""): isInText = true
        default: break
        }
        if !Self.isBlank(byte) { element.append(byte) }
      }
      guard element.count <= Self.limit else { throw .malformed("an element is too long") }
    }
    return nil
  }

  private mutating func nextByte() throws(Failure) -> UInt8? {
    if piece.isEmpty { piece = try response.piece() }
    return piece.popFirst()
  }

  private static func isBlank(_ byte: UInt8) -> Bool {
    [UInt8(ascii: " "), UInt8(ascii: "\n"), UInt8(ascii: "\r"), UInt8(ascii: "\t")].contains(byte)
  }
}
