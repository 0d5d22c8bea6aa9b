/// Where the bytes of a response come from.
protocol ByteSource {
  /// Reads at least one byte into the buffer and returns how many; 0 is the end.
  mutating func read(into buffer: UnsafeMutableRawBufferPointer) throws(Failure) -> Int
}

/// Reads a source through a buffer, line by line or piece by piece.
struct BufferedSource<Source: ByteSource> {
  private var source: Source
  private var buffer = [UInt8](repeating: 0, count: 16384)
  private var position = 0
  private var end = 0

  init(_ source: Source) { self.source = source }

  /// The next line without its line end (CRLF, or LF alone); nil where the source ends before a line begins.
  mutating func line(limit: Int) throws(Failure) -> [UInt8]? {
    var line: [UInt8] = []
    while true {
      if position == end, try !fill() {
        if line.isEmpty { return nil }
        throw .truncated
      }
      let rest = buffer[position..<end]
      let feed = rest.firstIndex(of: UInt8(ascii: "\n"))
      line.append(contentsOf: rest[..<(feed ?? end)])
      position = feed.map { $0 + 1 } ?? end
      guard line.count <= limit else { throw .malformed("a line is too long") }
      guard feed != nil else { continue }
      if line.last == UInt8(ascii: "\r") { line.removeLast() }
      return line
    }
  }

  /// Up to `limit` bytes that come next; empty at the end.
  mutating func piece(limit: Int) throws(Failure) -> ArraySlice<UInt8> {
    if position == end, try !fill() { return [] }
    let piece = buffer[position..<end].prefix(limit)
    position = piece.endIndex
    return piece
  }

  private mutating func fill() throws(Failure) -> Bool {
    position = 0
    end = 0
    var result: Result<Int, Failure> = .success(0)
    buffer.withUnsafeMutableBytes { bytes in
      do throws(Failure) { result = .success(try source.read(into: bytes)) } catch { result = .failure(error) }
    }
    end = try result.get()
    return end > 0
  }
}

extension Failure {
  /// The other side closed the connection in the middle of an answer.
  static let truncated = Failure(
    .unreachable, "the daemon closed the connection before it had answered",
    hint: "see daemon.log in the store or the runtime directory for the reason")

  static func malformed(_ what: String) -> Failure {
    Failure(.unreachable, "the answer is not HTTP as tined speaks it: \(what)")
  }
}
