import ArgumentParser
import Control
import Service
import SystemIO

/// `tine check`
struct Check: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Verify everything that the store holds.",
    discussion: """
      Exits with 6 where something is wrong, and names the fork, the path and the range. Nothing is written, unless --repair is given: that \
      puts right what is stored twice or can be told from checksums or the ledger, and leaves the rest as it is.
      """)

  @Flag(help: "Put right what can be; the store's daemon must not run.")
  var repair = false

  @OptionGroup var store: StoreOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let interruptions = try Interruptions()
    let report = try repair ? repaired(interruptions) : checked(interruptions)
    if output.json {
      try Console.print(json: report)
    } else {
      for repair in report.repairs ?? [] { try Console.print("repaired: " + Quoting.harmless(repair)) }
      for problem in report.problems { try Console.print(problem.line) }
    }
    if let failure = report.failure {
      throw failure.kind == .canceled && interruptions.arePending ? .interrupted : failure
    }
    guard report.problems.isEmpty else {
      let count = Units.count(UInt64(report.problems.count), "problem")
      throw repair
        ? Failure(.damaged, "\(count) cannot be repaired", hint: "export what is still readable")
        : Failure(.damaged, "the check found \(count)", hint: "'tine check --repair' puts right what can be")
    }
    if !output.json {
      let parts = [
        Units.count(report.heads, "head"), Units.count(report.entries, "entry", plural: "entries"),
        Units.count(report.nodes, "node"), Units.count(report.blocks, "block"), Units.count(report.records, "record"),
      ]
      try Console.print("all is well: \(parts.joined(separator: ", "))")
    }
  }

  private func checked(_ interruptions: Interruptions) throws -> CheckReport {
    do {
      return try store.withEngine(interruptions, writes: false) { engine in
        try withProgress(interruptions) { (progress) throws(Failure) in try engine.check(progress: progress) }
      }
    } catch let failure as Failure where failure.kind == .damaged {
      // It cannot even be opened.
      throw Failure(.damaged, failure.message, hint: "'tine check --repair' puts right what can be")
    }
  }

  private func repaired(_ interruptions: Interruptions) throws -> CheckReport {
    let directory = try store.directory()
    guard try Owner.daemon(of: directory) == nil else {
      throw Failure(
        .conflict, "the store's daemon runs, and a repair needs the store for itself", hint: "'tine stop' ends it")
    }
    return try withProgress(interruptions) { (progress) throws(Failure) in
      try LocalEngine.repair(directory, progress: progress)
    }
  }
}

extension CheckReport.Problem {
  private static let mostPaths = 4

  /// One line, such as `prod: base/5/16384: pages 10-12: block 3:17: its bytes do not match its digest`.
  var line: String {
    var parts: [String] = []
    if let name { parts.append(name.quoted) }
    if let inodes { parts.append(inodes.text) }
    if !paths.isEmpty { parts.append(shownPaths) }
    if let pages { parts.append(pages.count == 1 ? "page \(pages.first)" : "pages \(pages.text)") }
    return (parts + [Quoting.harmless(message)]).joined(separator: ": ")
  }

  private var shownPaths: String {
    var shown = paths.prefix(Self.mostPaths).map(\.quoted)
    if paths.count > shown.count { shown.append("and \(paths.count - shown.count) more") }
    return shown.joined(separator: ", ")
  }
}

extension CheckReport.InodeRange {
  fileprivate var text: String {
    if first == last { return "inode \(first)" }
    return last == .max ? "inodes from \(first) on" : "inodes \(first)-\(last)"
  }
}
