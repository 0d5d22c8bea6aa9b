/// A response of HTTP/1.1, read as it comes: first the head, then the body piece by piece.
///
/// Nothing that the other side sends makes this trap or grow without bound: lines, the number of header fields and
/// chunk sizes are limited, and a body that ends early is an error.
struct Response<Source: ByteSource> {
  let status: Int
  private var source: BufferedSource<Source>
  private var body: Body

  private enum Body {
    case length(UInt64)
    /// Bytes left of the present chunk.
    case chunked(UInt64)
    case untilClose
    case ended
  }

  private static var lineLimit: Int { 16384 }
  private static var fieldLimit: Int { 100 }

  /// Reads the head of a response.
  init(reading source: consuming Source) throws(Failure) {
    var source = BufferedSource(source)
    var status = 100
    var fields = Fields()
    while (100..<200).contains(status) {
      status = try Self.readStatus(&source)
      fields = try Self.readFields(&source)
    }
    self.source = source
    self.status = status
    if status == 204 || status == 304 {
      body = .ended
    } else if fields.isChunked {
      body = .chunked(0)
    } else if let length = fields.length {
      body = length == 0 ? .ended : .length(length)
    } else {
      body = .untilClose
    }
  }

  /// The next bytes of the body; empty when it has ended.
  mutating func piece() throws(Failure) -> ArraySlice<UInt8> {
    switch body {
    case .ended:
      return []
    case .untilClose:
      return try source.piece(limit: .max)
    case .length(let left):
      let piece = try take(left)
      body = UInt64(piece.count) == left ? .ended : .length(left - UInt64(piece.count))
      return piece
    case .chunked(var left):
      if left == 0 { left = try readChunkSize() }
      if left == 0 { return [] }
      let piece = try take(left)
      left -= UInt64(piece.count)
      if left == 0 {
        guard let line = try source.line(limit: 1) else { throw .truncated }
        guard line.isEmpty else { throw .malformed("a chunk is longer than its size") }
      }
      body = .chunked(left)
      return piece
    }
  }

  /// All that is left of the body.
  mutating func rest(limit: Int = 4 << 30) throws(Failure) -> [UInt8] {
    var bytes: [UInt8] = []
    while true {
      let piece = try piece()
      if piece.isEmpty { return bytes }
      bytes.append(contentsOf: piece)
      guard bytes.count <= limit else { throw .malformed("the body is too long") }
    }
  }

  private mutating func take(_ most: UInt64) throws(Failure) -> ArraySlice<UInt8> {
    let piece = try source.piece(limit: Int(clamping: most))
    if piece.isEmpty { throw .truncated }
    return piece
  }

  /// The size of the chunk that begins here; after the last one, reads the trailer and ends the body.
  private mutating func readChunkSize() throws(Failure) -> UInt64 {
    guard let line = try source.line(limit: Self.lineLimit) else { throw .truncated }
    let digits = line.prefix { $0 != UInt8(ascii: ";") && $0 != UInt8(ascii: " ") }
    guard (1...15).contains(digits.count), digits.first != UInt8(ascii: "+"), digits.first != UInt8(ascii: "-"),
      let size = UInt64(String(decoding: digits, as: UTF8.self), radix: 16)
    else { throw .malformed("a chunk has no size") }
    if size == 0 {
      _ = try Self.readFields(&source)
      body = .ended
    }
    return size
  }

  private static func readStatus(_ source: inout BufferedSource<Source>) throws(Failure) -> Int {
    guard let line = try source.line(limit: lineLimit) else { throw .truncated }
    let parts = line.split(separator: UInt8(ascii: " "), maxSplits: 2)
    guard parts.count >= 2, parts[0].starts(with: Array("HTTP/1.".utf8)), parts[1].count == 3,
      let status = Int(String(decoding: parts[1], as: UTF8.self)), (100..<600).contains(status)
    else { throw .malformed("it has no status line") }
    return status
  }

  /// The header fields that decide how the body is framed.
  private struct Fields {
    var length: UInt64?
    var isChunked = false
  }

  private static func readFields(_ source: inout BufferedSource<Source>) throws(Failure) -> Fields {
    var fields = Fields()
    for _ in 0..<fieldLimit {
      guard let line = try source.line(limit: lineLimit) else { throw .truncated }
      if line.isEmpty { return fields }
      guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { throw .malformed("a header field has no colon") }
      let name = String(decoding: line[..<colon], as: UTF8.self).lowercased()
      let value = String(decoding: line[(colon + 1)...], as: UTF8.self).filter { $0 != " " && $0 != "\t" }
      switch name {
      case "content-length":
        guard let length = UInt64(value), fields.length == nil || fields.length == length else {
          throw .malformed("the length of the body is no number")
        }
        fields.length = length
      case "transfer-encoding":
        guard value.lowercased() == "chunked" else { throw .malformed("the body is encoded as \(value)") }
        fields.isChunked = true
      default: break
      }
    }
    throw .malformed("too many header fields")
  }
}
