import ArgumentParser
import Control

/// `tine export`
struct Export: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Write a fork or snapshot out into a directory.",
    discussion: """
      The directory is made, and whole in the end or not there; or it is filled, and must be empty, such as a volume that \
      is mounted there. Owners are kept where this user may set them. What the file system of the directory cannot hold is \
      left out and told; the exit code is 1 where that are links or special files themselves.
      """)

  @Argument(help: "The fork or snapshot.")
  var reference: String

  @Argument(help: "The directory.")
  var directory: PathArgument

  @OptionGroup var store: StoreOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let interruptions = try Interruptions()
    let request = ExportRequest(reference: reference, directory: directory.path)
    let report = try store.withEngine(interruptions, writes: false) { engine in
      try withProgress(interruptions) { (progress) throws(Failure) in
        try engine.exportDirectory(request, progress: progress)
      }
    }
    if output.json {
      try Console.print(json: report)
    } else {
      let entries = Units.count(report.entries, "entry", plural: "entries")
      try Console.print("exported \(entries), \(Units.bytes(report.bytes)), from \(report.name)")
      for leftOut in report.leftOut ?? [] { Console.note(leftOut.line(directory: directory.path)) }
    }
    if report.leftOut?.contains(where: \.kind.isEntry) == true { throw ExitCode.failure }
  }
}

extension TransferReport.LeftOut {
  /// `left out: owners, which this user may not set (3 entries, the first is /tmp/out/a)`
  fileprivate func line(directory: BytePath) -> String {
    let count = Units.count(entries, "entry", plural: "entries")
    return "left out: \(what), which \(why(directory.quoted)) (\(count), the first is \(path.quoted))"
  }

  private var what: String {
    switch kind {
    case .owners: "owners"
    case .permissions: "permissions"
    case .accessControlLists: "access control lists"
    case .extendedAttributes: "extended attributes"
    case .times: "times"
    case .hardLinks: "hard links, whose files are copies of one another"
    case .symbolicLinks: "symbolic links"
    case .specialFiles: "devices, FIFOs and sockets"
    }
  }

  private func why(_ directory: String) -> String {
    switch reason {
    case .notPermitted: kind.isEntry ? "this user may not make" : "this user may not set"
    case .notSupported: "the file system of \(directory) does not keep"
    case .tooLarge: "the file system of \(directory) does not keep as large or as many"
    }
  }
}
