import Glibc
import MountTestSupport
import PosixCalls
import SystemIO

extension Side {
  func take(_ action: DirectoryAction) throws(Errno) -> Outcome {
    switch action {
    case .list(let path):
      return .names(try path.entries().map { "\($0.name.debugDescription) \($0.kind)" }.sorted())
    case .listWhileChanging(let path, let count, let changes): return try list(path, count, changes)
    case .makeMany(let path, let numbers):
      return .several(
        numbers.map { number in
          outcome { () throws(Errno) in
            _ = try (path / Self.name(number)).open(O_CREAT | O_EXCL | O_WRONLY, mode: 0o666)
            return .done
          }
        })
    case .removeMany(let path, let numbers):
      return .several(
        numbers.map { number in
          outcome { () throws(Errno) in
            try (path / Self.name(number)).unlink()
            return .done
          }
        })
    case .appendTogether(let path, let writers, let records): return try append(path, writers, records)
    }
  }

  private static func name(_ number: Int) -> Path { "many-\(number)" }

  /// Reads a part of a directory, changes it, and reads the rest. What was there all the time must have been read once;
  /// what the changes name, twice at most; anything else never.
  private func list(_ path: Path, _ count: Int, _ changes: [NameAction]) throws(Errno) -> Outcome {
    let before = Set(try path.entries().map(\.name))
    let directory = try path.open(O_RDONLY | O_DIRECTORY)
    // Room for a few names at a time, and for one of any length.
    let room = 320
    var read: [Path] = []
    while read.count < count {
      let next = try directory.nextEntries(bufferSize: room).map(\.name)
      if next.isEmpty { break }
      read += next
    }
    let outcomes = changes.map { change in outcome { () throws(Errno) in try take(change) } }
    while true {
      let next = try directory.nextEntries(bufferSize: room).map(\.name)
      if next.isEmpty { break }
      read += next
    }
    let changed = Set(changes.flatMap(\.paths).flatMap(\.lastNames))
    let times = Dictionary(grouping: read) { $0 }.mapValues(\.count)
    for name in before.subtracting(changed) where times[name] != 1 {
      return .broken("\(name.debugDescription) was read \(times[name] ?? 0) times")
    }
    for (name, count) in times where !before.contains(name) && !changed.contains(name) || count > 2 {
      return .broken("\(name.debugDescription) was read \(count) times")
    }
    return .several([.names(before.subtracting(changed).map(\.debugDescription).sorted())] + outcomes)
  }

  /// Lets several threads append records through files of their own. Afterwards the records must all be there, whole;
  /// they are put into order then, for the two file systems to go on alike.
  private func append(_ path: Path, _ writers: Int, _ records: Int) throws(Errno) -> Outcome {
    guard try path.status(followsLink: true).kind == S_IFREG else { return .leftOut("appending to what is no file") }
    let file = try path.open(O_RDWR)
    let start = Int(try file.status().size)
    guard start < 1 << 30 else { return .leftOut("appending to a large file") }
    let size = 100
    let files = try (0..<writers).map { _ throws(Errno) in try path.open(O_WRONLY | O_APPEND) }
    let threads = files.enumerated().map { writer, file in
      BackgroundThread {
        for record in 0..<records { _ = try? file.write(Self.record(writer, record, size)) }
      }
    }
    for thread in threads { thread.join() }
    let expected = (0..<writers).flatMap { writer in (0..<records).map { Self.record(writer, $0, size) } }
    let written = try file.read(expected.count * size + 1, at: start)
    let found = stride(from: 0, to: written.count, by: size).map { Array(written[$0..<min($0 + size, written.count)]) }
    guard Set(found) == Set(expected), found.count == expected.count else {
      let different = Set(found).symmetricDifference(expected).count
      return .broken("\(found.count) of \(expected.count) records, \(different) differ")
    }
    try file.write(expected.flatMap(\.self), at: start)
    return .number(start)
  }

  private static func record(_ writer: Int, _ record: Int, _ size: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: UInt8(ascii: "."), count: size)
    bytes.replaceSubrange(0..<2, with: [UInt8(writer + 1), UInt8(record + 1)])
    return bytes
  }
}

extension NameAction {
  /// The paths it may change something at.
  var paths: [Path] {
    switch self {
    case .makeDirectory(let path, _), .makeNode(let path, _, _), .makeSymbolicLink(let path, _), .unlink(let path),
      .removeDirectory(let path):
      [path]
    case .link(let path, let new, _), .rename(let path, let new, _): [path, new]
    }
  }
}

extension Path {
  /// The names in it: through "x/." and "x/..", what seems to be the last one need not be.
  fileprivate var lastNames: [Path] { bytes.split(separator: UInt8(ascii: "/")).map { Path([UInt8]($0)) } }
}
