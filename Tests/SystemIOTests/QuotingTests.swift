import Testing

@testable import SystemIO

@Suite("Names as people read them")
struct QuotingTests {
  @Test(
    "A name that shows by itself stays as it is",
    arguments: ["a", "base/5/16384", "Zürich", "日本語", "it's", "🙂", "a b", "e\u{301}"])
  func plain(name: String) {
    #expect(name.quoted == name)
  }

  @Test(
    "Whatever a terminal obeys, or does not show, is an escape of its bytes",
    arguments: [
      ("", #""""#), ("a\u{1B}[2Jb", #""a\033[2Jb""#), ("a\nb\t\r\u{7}", #""a\nb\t\r\a""#), ("\u{7F}", #""\177""#),
      ("c\u{9B}31m", #""c\302\23331m""#), ("bidi\u{202E}gpj", #""bidi\342\200\256gpj""#),
      ("\u{2066}\u{200F}\u{61C}", #""\342\201\246\342\200\217\330\234""#),
      ("a\u{200B}b\u{2060}\u{FEFF}\u{AD}", #""a\342\200\213b\342\201\240\357\273\277\302\255""#),
      ("a\u{E0041}", #""a\363\240\201\201""#), ("❤\u{FE0F}", #""❤\357\270\217""#),
      ("a\u{2028}b\u{2029}", #""a\342\200\250b\342\200\251""#), ("a\u{A0}", #""a\302\240""#),
      ("a\u{3000}b", #""a\343\200\200b""#), ("\u{2800}", #""\342\240\200""#), ("\u{E000}", #""\356\200\200""#),
      ("\u{301}a", #""\314\201a""#), ("a/\u{301}", #""a/\314\201""#),
    ])
  func escapes(name: String, shown: String) {
    #expect(name.quoted == shown)
  }

  @Test(
    "What could be taken for something else stands in quotes",
    arguments: [
      (" a", #"" a""#), ("a ", #""a ""#), ("a\"b", #""a\"b""#), ("a\\033b", #""a\\033b""#), ("'a'", #""'a'""#),
      ("a  pages 1", #""a  pages 1""#), ("a -> b", #""a -> b""#), ("a: page 3", #""a: page 3""#), ("a, b", #""a, b""#),
      ("a (read-only)", #""a (read-only)""#),
    ])
  func quotes(name: String, shown: String) {
    #expect(name.quoted == shown)
  }

  @Test(
    "Bytes that are not UTF-8 are shown as they are: lone ones, overlong forms, surrogates, cut characters",
    arguments: [
      ([0x61, 0xFF], #""a\377""#), ([0x9B, 0x33], #""\2333""#), ([0xC0, 0xAF], #""\300\257""#),
      ([0xED, 0xA0, 0x80], #""\355\240\200""#), ([0xF4, 0x90, 0x80, 0x80], #""\364\220\200\200""#),
      ([0xE2, 0x82], #""\342\202""#),
    ] as [([UInt8], String)])
  func invalid(name: [UInt8], shown: String) {
    #expect(Quoting.quoted(name) == shown)
    #expect(String(carrying: name).quoted == shown)
  }

  @Test("Two names never show alike, and each can be read back")
  func unambiguous() {
    let letters = Array(#"a"\'30n -"#.utf8) + [0x0A, 0x1B, 0x9B, 0xC2, 0xE2, 0x80, 0xAE, 0xCC, 0x81]
    var names: [[UInt8]] = [[]]
    var seen: Set<String> = []
    for _ in 0...3 {
      for name in names {
        let shown = Quoting.quoted(name)
        #expect(seen.insert(shown).inserted, "\(name)")
        #expect(read(shown) == name, "\(name)")
        #expect(shown.unicodeScalars.allSatisfy(Quoting.isVisible), "\(name)")
      }
      names = names.flatMap { name in letters.map { name + [$0] } }
      if names.count > 10_000 { break }
    }
  }

  @Test("Quotes around a name in a sentence never end inside it")
  func sentences() {
    #expect("prod".named == "'prod'")
    #expect("it's".named == #""it's""#)
    #expect("a\u{1B}".named == #""a\033""#)
    #expect("".named == #""""#)
  }

  @Test("A text keeps what is harmless in it")
  func harmless() {
    #expect(Quoting.harmless("error: \"ä\" \\ …\u{1B}[0m\nnext") == #"error: "ä" \ …\033[0m\nnext"#)
    #expect(Quoting.harmless("one\n\u{9B}two", keepingLines: true) == "one\n\\302\\233two")
    #expect(Quoting.harmless(String(carrying: [0x61, 0xFF])) == #"a\377"#)
  }

  @Test(
    "Text carries any bytes",
    arguments: [[], [0x61], [0xFF, 0x80], Array("ü\u{10FFFF}".utf8), [0xF4, 0x8F, 0xBF]] as [[UInt8]])
  func carrying(bytes: [UInt8]) {
    #expect(String(carrying: bytes).carriedBytes == bytes)
  }

  /// Reads a shown name as C and shells do.
  private func read(_ shown: String) -> [UInt8] {
    var rest = Array(shown.utf8)[...]
    guard rest.first == UInt8(ascii: "\"") else { return Array(rest) }
    rest = rest.dropFirst().dropLast()
    var name: [UInt8] = []
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "\\"), let next = rest.popFirst() else {
        name.append(byte)
        continue
      }
      switch next {
      case UInt8(ascii: "n"): name.append(0x0A)
      case UInt8(ascii: "0")...UInt8(ascii: "3"):
        name.append(UInt8(String(decoding: [next] + rest.prefix(2), as: UTF8.self), radix: 8) ?? 0)
        rest = rest.dropFirst(2)
      default: name.append(next)
      }
    }
    return name
  }
}
