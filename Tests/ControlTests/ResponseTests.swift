import Testing

@testable import Control

/// Gives its bytes out in pieces of a fixed size, as a slow network would.
struct Pieces: ByteSource {
  var bytes: ArraySlice<UInt8>
  let size: Int

  init(_ text: String, size: Int = .max) {
    bytes = Array(text.utf8)[...]
    self.size = size
  }

  mutating func read(into buffer: UnsafeMutableRawBufferPointer) -> Int {
    let piece = bytes.prefix(min(size, buffer.count))
    buffer.copyBytes(from: piece)
    bytes.removeFirst(piece.count)
    return piece.count
  }
}

func read(_ text: String, pieces size: Int = .max) throws(Failure) -> (status: Int, body: String) {
  var response = try Response(reading: Pieces(text, size: size))
  let body = try response.rest()
  return (response.status, String(decoding: body, as: UTF8.self))
}

@Suite("Responses of HTTP")
struct ResponseTests {
  static let chunked =
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;note=x\r\nhello\r\nA\r\n, chunked!\r\n0\r\ntrailer: 1\r\n\r\n"

  @Test("A body of a given length ends there", arguments: [1, 2, 3, 7, .max])
  func length(size: Int) throws {
    let answer = try read("HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\nhello, and more", pieces: size)
    #expect(answer == (404, "hello"))
  }

  @Test("Chunks are joined wherever the network cuts them", arguments: 1...Self.chunked.utf8.count)
  func chunks(size: Int) throws {
    #expect(try read(Self.chunked, pieces: size) == (200, "hello, chunked!"))
  }

  @Test("A body without a length lasts until the connection ends")
  func untilClose() throws {
    #expect(try read("HTTP/1.1 200 OK\r\n\r\nall of it") == (200, "all of it"))
  }

  @Test("Interim responses are skipped")
  func interim() throws {
    let text = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    #expect(try read(text) == (200, "ok"))
  }

  @Test("An answer that is cut anywhere is an error, not a shorter answer")
  func truncated() {
    for length in 0..<Self.chunked.utf8.count {
      #expect(throws: Failure.self) { try read(String(decoding: Self.chunked.utf8.prefix(length), as: UTF8.self)) }
    }
    #expect(throws: Failure.self) { try read("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort") }
  }

  @Test(
    "What is not HTTP is refused",
    arguments: [
      "", "\r\n\r\n", "SSH-2.0-OpenSSH\r\n", "HTTP/1.1\r\n\r\n", "HTTP/1.1 20 OK\r\n\r\n", "HTTP/1.1 abc OK\r\n\r\n",
      "HTTP/1.1 999 OK\r\n\r\n", "HTTP/2 200\r\n\r\n", "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n0\r\n\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n+5\r\nhello\r\n0\r\n\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\nhello",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhello\r\n0\r\n\r\n",
    ])
  func malformed(text: String) {
    #expect(throws: Failure.self) { try read(text) }
  }

  @Test("A head without an end does not grow without bound")
  func endlessHead() {
    #expect(throws: Failure.self) { try read("HTTP/1.1 200 " + String(repeating: "a", count: 1 << 20)) }
    let fields = String(repeating: "x: y\r\n", count: 1000)
    #expect(throws: Failure.self) { try read("HTTP/1.1 200 OK\r\n" + fields + "\r\n") }
  }

  @Test("Random damage never traps", arguments: 0..<50)
  func damage(seed: UInt64) {
    var random = SplitMix(state: seed)
    for _ in 0..<200 {
      var bytes = Array(Self.chunked.utf8)
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
      }
      // Reading it may fail or not; it must return.
      _ = try? read(String(decoding: bytes, as: UTF8.self), pieces: Int.random(in: 1...20, using: &random))
    }
  }
}

@Suite("Lines of a body")
struct LineTests {
  @Test("Lines come out whole, however they are cut", arguments: [1, 3, 10, .max])
  func lines(size: Int) throws {
    let text = "HTTP/1.1 200 OK\r\n\r\n{\"a\":1}\n\n{\"b\":2}\nrest"
    var reader = LineReader(try Response(reading: Pieces(text, size: size)))
    var lines: [String] = []
    while let line = try reader.next() { lines.append(String(decoding: line, as: UTF8.self)) }
    #expect(lines == ["{\"a\":1}", "{\"b\":2}", "rest"])
  }
}

@Suite("Elements of an array")
struct ElementTests {
  private func elements(_ body: String, pieces size: Int = .max) throws -> [String] {
    var reader = ElementReader(try Response(reading: Pieces("HTTP/1.1 200 OK\r\n\r\n" + body, size: size)))
    var elements: [String] = []
    while let element = try reader.next() { elements.append(String(decoding: element, as: UTF8.self)) }
    return elements
  }

  @Test("Elements come out whole, however they are cut", arguments: [1, 3, 10, .max])
  func whole(size: Int) throws {
    let body = #" [ {"a": [1, 2], "b": "], \\\", {"}, 7 ,{"c": {"d": "x, y"}}, "z\\" ]  rest"#
    #expect(
      try elements(body, pieces: size) == [#"{"a":[1,2],"b":"], \\\", {"}"#, "7", #"{"c":{"d":"x, y"}}"#, #""z\\""#])
    #expect(try elements("[]", pieces: size) == [])
  }

  @Test("What is no array, or does not end, is an error", arguments: ["", "{}", "[1", "[1,", "[{]", "[\"a]", "[}]"])
  func malformed(body: String) {
    #expect(throws: Failure.self) { try elements(body) }
  }

  @Test("An error after the first elements is told")
  func failure() throws {
    let error = try JSON.encode(ListElement<Change>.error(Failure(.damaged, "a node", hint: nil)))
    guard case .error(let failure) = try JSON.decode(ListElement<Change>.self, from: error) else {
      Issue.record("it is taken for a change")
      return
    }
    #expect(failure.kind == .damaged && failure.message == "a node")
  }
}

/// A small generator with a seed, so that a failure can be repeated.
struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = (state ^ state >> 30) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
    return mixed ^ mixed >> 31
  }
}
