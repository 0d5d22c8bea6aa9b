import FileSystem
import Glibc
import Store
import SystemIO
import TestSupport
import Testing

@testable import Transfer

/// A directory to import, a store, and a place to export to.
final class TransferStage {
  let directory: TemporaryDirectory
  let store: Store

  init(inMemory memory: Bool = false) throws {
    directory = TemporaryDirectory(inMemory: memory)
    try Store.create(at: directory.appending("store"))
    store = try Store.open(at: directory.appending("store"))
  }

  func path(_ name: String) -> String { directory.appending(name) }

  /// Runs commands in a directory that is made for it, `source` unless another is named.
  func make(_ name: String = "source", _ commands: String) {
    let made = shell("set -e; mkdir -p '\(path(name))'; cd '\(path(name))'; \(commands)")
    #expect(made.code == 0, "\(made.output)")
  }

  @discardableResult
  func importSource(
    _ name: String = "source", as fork: String = "prod", owners: ImportedOwners = .usual,
    progress: @escaping @Sendable (TransferProgress) -> Bool = { _ in true }
  ) throws -> TransferProgress {
    let directory = try FileDescriptor(opening: path(name), flags: O_RDONLY | O_DIRECTORY)
    return try importDirectory(
      directory, describedAs: Array(path(name).utf8), into: store, as: fork, owners: owners, progress: progress
    ).total
  }

  /// Exports to a directory that does not exist.
  @discardableResult
  func export(
    _ fork: String = "prod", to name: String = "target", in parent: String = "",
    progress: @escaping @Sendable (TransferProgress) -> Bool = { _ in true }
  ) throws -> ExportReport {
    let directory = try FileDescriptor(opening: path(parent), flags: O_RDONLY | O_DIRECTORY)
    return try exportDirectory(
      Reference(fork), of: store, into: directory, as: Array(name.utf8), describedAs: Array(path(name).utf8),
      progress: progress)
  }

  /// Exports into a directory that exists.
  @discardableResult
  func fill(
    _ name: String, with fork: String = "prod",
    progress: @escaping @Sendable (TransferProgress) -> Bool = { _ in true }
  ) throws -> ExportReport {
    let directory = try FileDescriptor(opening: path(name), flags: O_RDONLY | O_DIRECTORY)
    return try exportDirectory(
      Reference(fork), of: store, filling: directory, describedAs: Array(path(name).utf8), progress: progress)
  }

  /// Everything that a copy keeps, a line for each thing: type, permissions, owner, size, times, links, content, extended
  /// attributes, access control lists.
  func fingerprint(_ name: String) -> [Substring] {
    let (code, output) = shell(
      """
      export LC_ALL=C; cd '\(path(name))' &&
        find . -printf '%p %y %m %U %G %s %n %T@ %l\\n' | sed -E 's/( d [0-7]+ [0-9]+ [0-9]+) [0-9]+/\\1/' | LC_ALL=C sort &&
        find . -type f -print0 | LC_ALL=C sort -z | xargs -0 -r sha256sum &&
        find . '(' -type b -o -type c ')' -print0 | LC_ALL=C sort -z | xargs -0 -r stat -c '%n %t:%T' &&
        getfattr -hRPd -m - . | \(Self.paragraphs) && getfacl -RPp . | \(Self.paragraphs)
      """)
    #expect(code == 0, "\(output)")
    return output.split(separator: "\n")
  }

  /// Puts what is between empty lines into a line each.
  private static let paragraphs = #"awk 'BEGIN { RS = ""; FS = "\n"; OFS = "|" } { $1 = $1; print }' | LC_ALL=C sort"#

  /// Names in the stage's own directory.
  var names: [Substring] { shell("ls -A '\(directory.path)'").output.split(separator: "\n") }

  /// Verifies the store, and closes it.
  func finish() throws {
    #expect(try store.check().problems.map(\.message) == [])
    try store.close()
  }
}

/// What `body` throws.
func failure(_ body: () throws -> Void) -> TransferError? { #expect(throws: TransferError.self) { try body() } }

extension TransferError {
  var name: String { path.split(separator: UInt8(ascii: "/")).last.map { String(decoding: $0, as: UTF8.self) } ?? "" }

  var errno: Errno? {
    guard case .call(let error) = reason else { return nil }
    return error
  }

  var isChange: Bool { if case .changed = reason { true } else { false } }
  var isCancellation: Bool { if case .canceled = reason { true } else { false } }
  var isNotEmpty: Bool { if case .notEmpty = reason { true } else { false } }
  var isTaken: Bool { if case .taken = reason { true } else { false } }
  var isStore: Bool { if case .isStore = reason { true } else { false } }
}

/// What tests need beside what the test itself is about.
enum Need {
  static let lists = shell("command -v setfacl getfacl getfattr setfattr").code == 0
  static let root = geteuid() == 0
}
