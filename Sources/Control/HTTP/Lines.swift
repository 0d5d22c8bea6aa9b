/// Splits a body into lines, as NDJSON has one value a line.
struct LineReader<Source: ByteSource> {
  private var response: Response<Source>
  private var pending: [UInt8] = []
  private var searched = 0
  private static var limit: Int { 16 << 20 }

  init(_ response: consuming Response<Source>) { self.response = response }

  /// The next line that is not empty, without its line end; nil at the end of the body.
  mutating func next() throws(Failure) -> [UInt8]? {
    while true {
      if let feed = pending[searched...].firstIndex(of: UInt8(ascii: "\n")) {
        let line = Array(pending[..<feed])
        pending.removeSubrange(...feed)
        searched = 0
        if !line.isEmpty { return line }
        continue
      }
      searched = pending.count
      guard searched <= Self.limit else { throw .malformed("a line is too long") }
      let piece = try response.piece()
      if piece.isEmpty { return pending.isEmpty ? nil : try last() }
      pending.append(contentsOf: piece)
    }
  }

  private mutating func last() throws(Failure) -> [UInt8] {
    defer {
      pending = []
      searched = 0
    }
    return pending
  }
}
