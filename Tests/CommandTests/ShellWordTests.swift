import Testing

@testable import tine

@Suite("The program that a shell command names")
struct ShellWordTests {
  @Test(
    "It is the first word, after assignments, without its quotes",
    arguments: [
      ("./score.sh", "./score.sh", "./score.sh"), ("  tools/a b ./c", "tools/a", "tools/a"),
      ("\t\n./a|tail", "./a", "./a"), ("./a;./b", "./a", "./a"), ("./a>out", "./a", "./a"),
      ("A=1 b_2='x y' ./a", "./a", "./a"), ("A=\"'\" ./a", "./a", "./a"),
      ("'./my score'", "./my score", "'./my score'"),
      (#"./my\ score x"#, "./my score", #"./my\ score"#), (#""./a\b\$""#, #"./a\b$"#, #""./a\b\$""#),
      ("./\"a\"'b'c", "./abc", "./\"a\"'b'c"), ("./a*b/=c", nil, ""), ("./a=b", "./a=b", "./a=b"),
      ("1=2", "1=2", "1=2"),
      ("./a\\\nb", "./ab", "./a\\\nb"),
    ] as [(String, String?, String)])
  func first(script: String, value: String?, source: String) {
    let word = ShellWord(programOf: Array(script.utf8))
    #expect(word?.value == value.map { Array($0.utf8) })
    if let word { #expect(Array(script.utf8)[word.place].elementsEqual(source.utf8)) }
  }

  @Test(
    "What is no plain word is left to the shell",
    arguments: [
      "", " ", "$HOME/a", "`a`", "\"$A\"/b", "(./a)", "'./a", "\"./a", "./a\\", "~/a", "# ./a", "./[ab]", "A=$(x) ./a",
    ])
  func none(script: String) {
    #expect(ShellWord(programOf: Array(script.utf8)) == nil)
  }
}

@Suite("Suggestions")
struct SuggestionTests {
  private let names = ["list", "ls", "snapshot", "fork", "drop", "diff", "unmount", "gc"]

  @Test(
    "A slip, or what other tools say, leads to the command",
    arguments: [
      ("snapshto", "snapshot"), ("lsit", "list"), ("snap-shot", "snapshot"), ("DIFF", "diff"), ("rm", "drop"),
      ("clone", "fork"),
      ("status", "list"), ("create", "init"), ("unmout", "unmount"), ("gcc", "gc"),
    ])
  func near(word: String, command: String) {
    #expect(Suggestions.command(for: word, among: names) == command)
  }

  @Test("What is like none gets none", arguments: ["nonsense", "", "xyzzy", "zz"])
  func far(word: String) {
    #expect(Suggestions.command(for: word, among: names) == nil)
  }
}
