import Control
import Glibc
import Processes
import SystemIO

/// The shell command that scores an attempt. It runs in the fork, but where its first word is a relative path with a slash, that means a
/// file where `tine` was called: the score is not to come from a program that the attempt wrote.
struct ScoreCommand: Sendable {
  /// What the shell is to run.
  let script: [UInt8]
  /// Kept as long as the command may run.
  private let program: Program?

  /// Fails where the program is not there, before anything is tried.
  init(_ script: [UInt8], shownAt: BytePath?) throws(Failure) {
    guard let word = ShellWord(programOf: script), Program.meansFileOfCaller(word.value) else {
      self.script = script
      program = nil
      return
    }
    do throws(SpawnError) {
      let program = try Program(word.value, shownAt: shownAt)
      if let obstacle = program.obstacle { throw SpawnError(step: .program, errno: obstacle) }
      self.script =
        Array(script[..<word.place.lowerBound]) + Self.quoted(program.path) + script[word.place.upperBound...]
      self.program = program
    } catch {
      throw Failure(error, starting: word.value)
    }
  }

  /// A word that a shell takes as it is.
  private static func quoted(_ word: [UInt8]) -> [UInt8] {
    let quote = UInt8(ascii: "'")
    return [quote] + word.flatMap { $0 == quote ? Array("'\\''".utf8) : [$0] } + [quote]
  }
}

/// The word of a shell command that names its program, without quotes.
struct ShellWord: Equatable {
  let value: [UInt8]
  let place: Range<Int>

  /// Nil where the command does not begin with a word that means itself: such as an expansion, or a compound command.
  init?(programOf script: [UInt8]) {
    var position = 0
    while true {
      while position < script.count, Self.isBlank(script[position]) { position += 1 }
      guard let word = ShellWord(of: script, at: position) else { return nil }
      if !word.isAssignment(in: script) {
        self = word
        return
      }
      position = word.place.upperBound
    }
  }

  private init?(of script: [UInt8], at start: Int) {
    var value: [UInt8] = []
    var position = start
    var quote: UInt8?
    while position < script.count {
      let byte = script[position]
      if let open = quote, byte == open {
        quote = nil
      } else if quote == UInt8(ascii: "'") {
        value.append(byte)
      } else if byte == UInt8(ascii: "\\") {
        position += 1
        guard position < script.count else { return nil }
        if quote != nil, !Self.escapable.contains(script[position]) { value.append(byte) }
        if script[position] != UInt8(ascii: "\n") { value.append(script[position]) }
      } else if quote == nil, Self.ends.contains(byte) || Self.isBlank(byte) {
        break
      } else if Self.expansions.contains(byte) && (quote == nil || Self.expansionsInQuotes.contains(byte)) {
        return nil
      } else if quote == nil, byte == UInt8(ascii: "'") || byte == UInt8(ascii: "\"") {
        quote = byte
      } else {
        value.append(byte)
      }
      position += 1
    }
    guard quote == nil, position > start else { return nil }
    self.value = value
    place = start..<position
  }

  /// Whether it gives a variable a value for the command that follows.
  private func isAssignment(in script: [UInt8]) -> Bool {
    let name = script[place].prefix { $0 != UInt8(ascii: "=") }
    guard name.count < place.count, let first = name.first, !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first)
    else {
      return false
    }
    return name.allSatisfy {
      Unicode.Scalar($0).properties.isAlphabetic && $0 < 0x80 || $0 == UInt8(ascii: "_") || (0x30...0x39).contains($0)
    }
  }

  private static func isBlank(_ byte: UInt8) -> Bool { [0x20, 0x09, 0x0A].contains(byte) }

  private static let ends = Array(";&|<>()".utf8)
  private static let expansions = Array("$`*?[~#".utf8)
  private static let expansionsInQuotes = Array("$`".utf8)
  private static let escapable = Array("$`\"\\\n".utf8)
}
