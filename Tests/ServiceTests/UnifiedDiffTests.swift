import Testing

@testable import Service

@Suite("Unified diffs")
struct UnifiedDiffTests {
  private func patch(_ old: String, _ new: String) -> String {
    String(decoding: UnifiedDiff(Array(old.utf8), Array(new.utf8)).hunks, as: UTF8.self)
  }

  @Test("Changes stand in their context, far ones in hunks of their own")
  func hunks() {
    let old = (1...20).map { "\($0)\n" }.joined()
    let new = old.replacing("\n2\n", with: "\ntwo\n").replacing("\n18\n", with: "\n")
    let expected = """
      @@ -1,5 +1,5 @@
       1
      -2
      +two
       3
       4
       5
      @@ -15,6 +15,5 @@
       15
       16
       17
      -18
       19
       20

      """
    #expect(patch(old, new) == expected)
  }

  @Test("A missing newline at the end is a difference, and is said")
  func newlines() {
    #expect(patch("a\n", "a") == "@@ -1,1 +1,1 @@\n-a\n+a\n\\ No newline at end of file\n")
    #expect(patch("", "a\n") == "@@ -0,0 +1,1 @@\n+a\n")
    #expect(UnifiedDiff(Array("a\n".utf8), Array("a\n".utf8)).isEmpty)
    #expect(!UnifiedDiff(Array("a\n".utf8), Array("a".utf8)).isEmpty)
  }

  @Test("Applied to the old text, a patch gives the new one", arguments: 0..<200)
  func applies(seed: UInt64) throws {
    var random = SplitMix(state: seed)
    let old = randomText(&random)
    let new = Bool.random(using: &random) ? randomText(&random) : mutated(old, &random)
    #expect(try apply(patch(old, new), to: old) == new, "seed \(seed)")
  }

  /// Once compared as text, where these lines count as the same.
  @Test("Lines that only look alike differ")
  func unicode() {
    #expect(patch("cafe\u{301}\n", "caf\u{e9}\n") == "@@ -1,1 +1,1 @@\n-cafe\u{301}\n+caf\u{e9}\n")
    let latin = UnifiedDiff([0x63, 0xe9, 0x0a], [0x63, 0xe8, 0x0a])
    #expect(latin.hunks.suffix(8) == [0x2d, 0x63, 0xe9, 0x0a, 0x2b, 0x63, 0xe8, 0x0a])
  }

  /// Once the time was that of the product of both lengths where texts have nothing in common.
  @Test("Texts that have little in common take little time", arguments: ["new", "shuffled", "periodic", "moved"])
  func large(form: String) throws {
    var random = SplitMix(state: 1)
    var old = (0..<20_000).map { "\($0 * 7919 % 1_000_003),\($0),row\n" }
    var new = old
    switch form {
    case "new": new = (0..<20_000).map { "\($0 * 104_729 % 1_000_003),\($0),line\n" }
    case "shuffled": new.shuffle(using: &random)
    case "periodic":
      old = (0..<100_000).map { "\($0 % 3 == 0 ? 1 : $0 % 7)\n" }
      new = (0..<100_000).map { "\($0 % 5 == 0 ? 1 : $0 % 4)\n" }
    default: new = Array(old[10_000...] + old[..<10_000])
    }
    let start = ContinuousClock.now
    let patch = patch(old.joined(), new.joined())
    #expect(start.duration(to: .now) < .seconds(20), "a debug build takes a few seconds")
    #expect(try apply(patch, to: old.joined()) == new.joined())
  }

  @Test("A comparison that nobody wants any more ends")
  func endsUnwanted() {
    let old = (0..<20_000).map { "\($0)\n" }
    let new = (0..<20_000).map { "\($0 ^ 1)\n" }
    func asked(answer: Bool) -> Int {
      var count = 0
      _ = UnifiedDiff(Array(old.joined().utf8), Array(new.joined().utf8)) {
        count += 1
        return answer
      }
      return count
    }
    #expect(asked(answer: true) > 50)
    #expect(asked(answer: false) == 1)
  }

  private func randomText(_ random: inout SplitMix) -> String {
    let lines = (0..<Int.random(in: 0...40, using: &random)).map { _ in
      "line \(Int.random(in: 0...9, using: &random))\n"
    }
    let text = lines.joined()
    return Bool.random(using: &random) ? text : String(text.dropLast())
  }

  private func mutated(_ text: String, _ random: inout SplitMix) -> String {
    var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    for _ in 0..<Int.random(in: 0...4, using: &random) {
      let place = Int.random(in: 0..<lines.count, using: &random)
      if Bool.random(using: &random) { lines.insert("new", at: place) } else { lines[place] = "changed" }
    }
    return lines.joined(separator: "\n")
  }

  /// What `patch` does: copies up to each hunk, then takes the hunk's lines that are not removed.
  private func apply(_ patch: String, to old: String) throws -> String {
    var rest = old.split(separator: "\n", omittingEmptySubsequences: false).map { $0 + "\n" }
    rest[rest.count - 1].removeLast()
    var result = ""
    var position = 0
    let lines = Array(patch.split(separator: "\n"))
    for (index, line) in lines.enumerated() where !line.hasPrefix("\\") {
      if line.hasPrefix("@@") {
        let numbers = try #require(line.firstMatch(of: #/-(\d+),(\d+)/#)?.output)
        let start = try #require(Int(numbers.1)) - (numbers.2 == "0" ? 0 : 1)
        result += rest[position..<start].joined()
        position = start
      } else {
        let endsWithNewline = index + 1 == lines.count || !lines[index + 1].hasPrefix("\\")
        if line.first != "+" { position += 1 }
        if line.first != "-" { result += line.dropFirst() + (endsWithNewline ? "\n" : "") }
      }
    }
    return result + rest[position...].joined()
  }
}

struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = (state ^ state >> 30) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
    return mixed ^ mixed >> 31
  }
}
