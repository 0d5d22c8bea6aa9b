/// The words of a command line, put as the parser wants them: the name of the command first.
struct CommandLineWords {
  let arguments: [String]
  /// What stands for a command and is none.
  let unknownCommand: String?
  /// Whether a store is named, and nothing to do with it.
  let lacksCommand: Bool

  /// - Parameter commands: the names of all commands.
  init(_ words: [String], commands: [String]) {
    let arguments = Self.commandFirst(words)
    self.arguments = arguments
    lacksCommand = arguments.isEmpty && !words.isEmpty
    let named = arguments.first == "help" ? arguments.dropFirst().first : arguments.first
    unknownCommand = named.flatMap { $0.hasPrefix("-") || commands.contains($0) ? nil : $0 }
  }

  /// Which store is meant may be said before the command.
  private static func commandFirst(_ words: [String]) -> [String] {
    var end = 0
    while end < words.count, words[end] == "--store" || words[end].hasPrefix("--store=") {
      end += words[end] == "--store" ? 2 : 1
    }
    guard let command = words.dropFirst(end).first else { return [] }
    // An option here, such as --help, concerns no store.
    return command.hasPrefix("-") ? Array(words[end...]) : [command] + words[..<end] + words[(end + 1)...]
  }
}
