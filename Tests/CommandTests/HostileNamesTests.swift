import Foundation
import Testing

/// Names that would drive a terminal, forge a line or hide something, put through every command.
@Suite("Names reach no terminal as they are")
struct HostileNamesTests {
  private let stage: Stage
  /// What tine itself says to a terminal, colours and progress bars, and what a terminal adds to ends of lines.
  private static var own: Regex<Substring> { #/\u{1B}\[[0-9;]*m|\r[^\r\n\u{1B}]*\u{1B}\[K|\r(?=\n)/# }

  init() throws {
    stage = try Stage()
    // A directory with escape sequences, C1, marks of direction and characters without width in its name, and files that have more.
    let made = try stage.run(
      #"""
      mkdir "$(printf 'h\033]0;title\007\302\233\342\200\256\342\200\213\302\255')" && cd h* && mkdir tree &&
        printf '\033[2J' > tree/content && for name in 'esc\033[31m' 'line\nforged' 'c1\302\233' 'raw\233\377' 'bidi\342\200\256' \
          'wide\342\200\213\342\201\240' 'tag\363\240\201\201' 'ls\342\200\250' 'del\177' 'cr\rx'; do
          printf x > "tree/$(printf "$name")"; done; ls | wc -l
      """#)
    try #require(made == ["1"])
  }

  /// Runs a script in the worst directory, with its output to files and to a terminal, and looks at every byte.
  private func expectHarmless(_ script: String, _ codes: Set<Int32> = [0], contains expected: String? = nil) throws {
    // `script` gives the command a terminal, which ends lines with two characters and shows the colours that tine itself chose.
    for isTerminal in canMakeTerminals ? [false, true] : [false] {
      try script.write(toFile: "\(stage.directory)/command", atomically: true, encoding: .utf8)
      let (output, code) = try stage.executeForBytes(
        isTerminal
          ? "cd h* && TERM=xterm script -q -e -E never -c 'sh ../command' /dev/null < /dev/null"
          : "cd h* && sh ../command")
      #expect(codes.contains(code), "\(script): \(code) \(String(decoding: output, as: UTF8.self).debugDescription)")
      let text = try #require(String(validating: output, as: UTF8.self), "\(script): \(output)")
      let own = text.replacing(Self.own.matchingSemantics(.unicodeScalar), with: "")
      let bad = own.unicodeScalars.filter { $0 != "\n" && !isHarmless($0) }
      #expect(bad.isEmpty, "\(script) (terminal: \(isTerminal)): \(text.debugDescription)")
      #expect(!own.contains("\nforged"), "\(script): a name makes a line: \(text.debugDescription)")
      if let expected { #expect(own.contains(expected), "\(script): \(text.debugDescription)") }
    }
  }

  private func isHarmless(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .unassigned: false
    default: !scalar.properties.isDefaultIgnorableCodePoint && scalar != "\u{A0}"
    }
  }

  private var canMakeTerminals: Bool { access("/usr/bin/script", X_OK) == 0 }

  @Test("In commands that need no mount")
  func withoutMounts() throws {
    defer { stage.close() }
    try expectHarmless(
      "export TINE_STORE=\"$PWD/s\"; rm -rf s; tine init && tine list; tine init", [4],
      contains: #"h\033]0;title\a\302\233"#)
    try expectHarmless("rm -rf s; tine --store s init --json && tine --store s list --json")
    #expect(try stage.run("tine init && tine import prod h*/tree && tine fork --empty none").count == 3)
    for json in ["", " --json"] {
      try expectHarmless("tine diff none prod\(json); tine diff prod none --stat\(json)")
      try expectHarmless("tine log prod\(json) -n 100", contains: json.isEmpty ? #""raw\233\377""# : "subject_bytes")
      try expectHarmless("tine check\(json); tine list\(json); tine show prod\(json)")
      try expectHarmless("rm -rf out; tine export prod out\(json)")
      try expectHarmless("tine import x$$ tree\(json)")
    }
    try expectHarmless("tine export prod tree", [4], contains: #"\033]0;title\a"#)
    try expectHarmless("tine import x missing", [1], contains: #"\342\200\256"#)
    try expectHarmless("tine import x tree/content", [1])
    try expectHarmless("tine --store tree list", [3], contains: #"\302\233"#)
    try expectHarmless("TINE_STORE=$PWD/none tine stop --store \"$PWD/missing\"; true")
    // Names that cannot be, as arguments.
    for word in [#"a\033[2Jb"#, #"a\302\233b"#, #"a\342\200\256b"#, #"a\377b"#, #"a\nforged"#] {
      let name = "\"$(printf '\(word)')\""
      try expectHarmless("tine drop \(name)", [64], contains: word)
      let commands = [
        "show \(name)", "log \(name)", "diff \(name) prod", "fork prod \(name)", "fork \(name) x",
        "snapshot prod \(name)",
        "export \(name) nowhere", "import \(name) tree", "drop prod \(name)", "unmount \(name)", "\(name)",
        "help \(name)",
        "list --\(name)", "log prod -n \(name)", "list \(name)", "-\(name)", "log prod --since=\(name)",
      ]
      try expectHarmless(commands.map { "tine \($0)" }.joined(separator: "; "), [64])
    }
  }

  @Test("In a damaged store's check and repair")
  func damaged() throws {
    defer { stage.close() }
    #expect(try stage.run("tine init && tine import prod h*/tree && tine gc").count == 3)
    _ = try stage.run(
      "for f in store/ledger/*; do printf '\\377\\377\\377' | dd of=$f bs=1 seek=4300 conv=notrunc status=none; done")
    try expectHarmless("tine check; tine check --json; tine check --repair; tine check --repair --json", [0, 6])
  }

  @Test("In mounts, runs and samples", .enabled(if: canMount, "needs /dev/fuse"))
  func mounted() throws {
    defer { stage.close() }
    #expect(try stage.run("tine init && tine import prod h*/tree").count == 2)
    let attempt = #"printf 'y' > "$(printf 'new\033[2J\233')"; printf 'last\033[31m\302\233\342\200\256\377\n'; exit 1"#
    try attempt.write(toFile: "\(stage.directory)/attempt", atomically: true, encoding: .utf8)
    for json in ["", " --json"] {
      try expectHarmless(
        "mkdir -p at; tine mount prod \"$PWD/at\"\(json); tine list\(json); tine show prod\(json); tine unmount at\(json)"
      )
      try expectHarmless(
        "tine mount prod made\(json) && tine mount prod again; tine drop prod; tine unmount prod\(json)")
      try expectHarmless("tine run\(json) --from prod -- sh -c '. \"$TINE_CALLED_FROM/../attempt\"' > /dev/null", [1])
      try expectHarmless(
        "tine sample\(json) --from prod -n 2 --keep-best 0 --score 'printf \"no\\033[2J\\342\\200\\256\\n\"' -- sh -c '. \"$TINE_CALLED_FROM/../attempt\"'",
        [1],
        contains: #"no number: "no\033[2J\342\200\256""#)
      try expectHarmless(
        "tine sample\(json) --from prod -n 1 --keep-best 0 --score 'printf \"\\233\\n\" >&2; exit 2' -- sh -c '. \"$TINE_CALLED_FROM/../attempt\"'",
        [1], contains: #"2: \233"#)
    }
    try expectHarmless("tine run --from prod -- ./\"$(printf 'x\\033[2J\\233')\"", [127], contains: #"x\033[2J\233"#)
    try expectHarmless("tine run --from prod --at missing -- true", [125])
    try expectHarmless("tine sample --from prod -n 1 --logs missing/logs -- true", [1])
    try expectHarmless(
      "tine mount prod tree/content; tine mount prod missing/deep; tine unmount tree; tine unmount missing", [3])
    try expectHarmless("cat ../store/daemon.log")
    // JSON answers with the bytes beside what text cannot say.
    let answer = try stage.execute(
      "tine sample --json --from prod -n 1 --keep-best 0 -- sh -c '. \"$TINE_CALLED_FROM/attempt\"'")
    let attempts = try #require(try JSONSerialization.jsonObject(with: Data(answer.output.utf8)) as? [[String: Any]])
    let bytes = try #require((attempts.first?["last_line_bytes"] as? String).flatMap { Data(base64Encoded: $0) })
    #expect([UInt8](bytes) == Array("last\u{1B}[31m\u{9B}\u{202E}".utf8) + [0xFF])
  }
}
