import Glibc
import SystemIO

/// The processes of this machine, as /proc lists them at one moment.
struct ProcessTable {
  struct Entry {
    let parent: pid_t
    /// In ticks after the start of the machine: together with its number it identifies a process for good.
    let started: UInt64
    /// It has ended, and its parent has not been notified yet.
    let isZombie: Bool
  }

  private let entries: [pid_t: Entry]

  init() {
    var entries: [pid_t: Entry] = [:]
    for process in Self.numbers(in: "/proc") { entries[process] = Self.entry(of: process) }
    self.entries = entries
  }

  /// The children of a process, those that have ended and were not waited for included.
  func children(of parent: pid_t) -> [pid_t] { entries.filter { $0.value.parent == parent }.keys.sorted() }

  /// What runs below a process: its children, their children, and so on.
  func descendants(of ancestor: pid_t) -> [(process: pid_t, entry: Entry)] {
    var isBelow: [pid_t: Bool] = [ancestor: true]
    for process in entries.keys { _ = isDescendant(process, &isBelow) }
    return entries.filter { $0.key != ancestor && !$0.value.isZombie && isBelow[$0.key] == true }
      .map { ($0.key, $0.value) }.sorted { $0.process < $1.process }
  }

  private func isDescendant(_ process: pid_t, _ known: inout [pid_t: Bool]) -> Bool {
    if let answer = known[process] { return answer }
    // The table is not read in one moment, so that a circle is possible if numbers were used again meanwhile.
    known[process] = false
    guard let parent = entries[process]?.parent else { return false }
    let answer = isDescendant(parent, &known)
    known[process] = answer
    return answer
  }

  /// The names in a directory of /proc that are numbers: processes, threads or descriptors; none if the process has just ended.
  static func numbers(in path: String) -> [Int32] {
    guard let directory = opendir(path) else { return [] }
    defer { closedir(directory) }
    var numbers: [Int32] = []
    while let entry = readdir(directory) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      if let number = Int32(name) { numbers.append(number) }
    }
    return numbers
  }

  /// What /proc says of one process; nil if there is none with this number.
  static func entry(of process: pid_t) -> Entry? {
    let status = contents(of: "/proc/\(process)/stat")
    // The program's name stands in parentheses and may hold anything; the other fields follow the last one.
    guard let end = status.lastIndex(of: UInt8(ascii: ")")) else { return nil }
    let fields = status[(end + 1)...].split(separator: UInt8(ascii: " "))
    guard fields.count > 19, let parent = pid_t(String(decoding: fields[1], as: UTF8.self)),
      let started = UInt64(String(decoding: fields[19], as: UTF8.self))
    else { return nil }
    let state = fields[0].first
    return Entry(parent: parent, started: started, isZombie: state == UInt8(ascii: "Z") || state == UInt8(ascii: "X"))
  }

  /// The name of the program that a process runs, for messages.
  static func name(of process: pid_t) -> String {
    String(decoding: contents(of: "/proc/\(process)/comm").prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
  }

  /// The content of a file of /proc; empty if the process has just ended.
  static func contents(of path: String) -> [UInt8] {
    do {
      return try FileDescriptor(opening: path, flags: O_RDONLY).readAll()
    } catch {
      return []
    }
  }
}
