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
    if !hasBegun { try begin() }
    var element = Element()
    while !hasEnded {
      guard let byte = try nextByte() else { throw .truncated }
      if element.isOuter, byte == UInt8(ascii: ",") { return element.bytes }
      if element.isOuter, byte == UInt8(ascii: "]") {
        hasEnded = true
        return element.bytes.isEmpty ? nil : element.bytes
      }
      try element.add(byte)
      guard element.bytes.count <= Self.limit else { throw .malformed("an element is too long") }
    }
    return nil
  }

  private mutating func begin() throws(Failure) {
    while let byte = try nextByte() {
      if Self.isBlank(byte) { continue }
      guard byte == UInt8(ascii: "[") else { throw .malformed("it is not an array") }
      hasBegun = true
      return
    }
    throw .truncated
  }

  /// An element of which a part was read.
  private struct Element {
    var bytes: [UInt8] = []
    private var depth = 0
    private var isInText = false
    private var isEscaped = false

    /// Whether what comes next is no part of a text, an array or an object in it.
    var isOuter: Bool { depth == 0 && !isInText }

    mutating func add(_ byte: UInt8) throws(Failure) {
      if !isInText, ElementReader.isBlank(byte) { return }
      bytes.append(byte)
      if isInText {
        isInText = isEscaped || byte != UInt8(ascii: "\"")
        isEscaped = !isEscaped && byte == UInt8(ascii: "\\")
        return
      }
      switch byte {
      case UInt8(ascii: "\""): isInText = true
      case UInt8(ascii: "["), UInt8(ascii: "{"): depth += 1
      case UInt8(ascii: "]"), UInt8(ascii: "}"): depth -= 1
      default: break
      }
      guard depth >= 0 else { throw .malformed("an element ends that has not begun") }
    }
  }

  private mutating func nextByte() throws(Failure) -> UInt8? {
    if piece.isEmpty { piece = try response.piece() }
    return piece.popFirst()
  }

  private static func isBlank(_ byte: UInt8) -> Bool {
    [UInt8(ascii: " "), UInt8(ascii: "\n"), UInt8(ascii: "\r"), UInt8(ascii: "\t")].contains(byte)
  }
}
