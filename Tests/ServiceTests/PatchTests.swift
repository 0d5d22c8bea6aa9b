import Control
import FileSystem
import Glibc
import SystemIO
import TestSupport
import Testing

@testable import Service

private let hasPrograms = access("/usr/bin/git", X_OK) == 0 && access("/usr/bin/patch", X_OK) == 0

/// A patch between two states makes the new one of the old one.
@Suite("Patches") struct PatchTests {
  private let directory = TemporaryDirectory()
  private let engine: LocalEngine

  init() throws {
    try LocalEngine.create(at: directory.path + "/store")
    engine = try LocalEngine(opening: directory.path + "/store")
  }

  @Test(
    "Applied to the old state, a patch gives the new one", .enabled(if: hasPrograms, "needs git and patch"),
    arguments: 0..<80)
  func applies(seed: UInt64) throws {
    _ = try engine.fork(ForkRequest(source: nil, name: "old"))
    var tree = RandomTree(try engine.fileSystem("old"), seed: seed)
    try tree.fill()
    try export("old", to: "old")
    // Where files were made apart there is nothing to know them by but path and content.
    if seed % 3 == 0 {
      _ = try engine.importDirectory(
        ImportRequest(name: "new", directory: BytePath(directory.appending("old"))), progress: { _ in true })
    } else {
      _ = try engine.fork(ForkRequest(source: "old", name: "new"))
    }
    var edited = RandomTree(try engine.fileSystem("new"), seed: seed ^ 0x5eed)
    for _ in 0..<Int(1 + seed % 12) { try edited.edit() }
    try export("new", to: "new")
    try verify("old", "new", "seed \(seed), \(edited.history)")
    try verify("new", "old", "seed \(seed), \(edited.history), back")
  }

  private func export(_ name: String, to path: String) throws {
    _ = try engine.exportDirectory(
      ExportRequest(reference: name, directory: BytePath(directory.appending(path))), progress: { _ in true })
  }

  private func verify(_ old: String, _ new: String, _ what: String) throws {
    let changes = try engine.diff(DiffRequest(old: old, new: new, patch: true))
    let patch = changes.compactMap(\.patch).flatMap { $0 }
    let file = fopen(directory.appending("patch"), "w")
    fwrite(patch, 1, patch.count, file)
    fclose(file)
    // An empty directory that a patch does not know of may be where a file comes.
    let apply = "git init -q && git apply --whitespace=nowarn ../patch && rm -rf .git"
    let git = "find . -mindepth 1 -type d -empty -delete && \(apply)"
    var commands = [(git, from: old, to: new), (git.replacing("apply", with: "apply -R"), from: new, to: old)]
    // It removes files last, so it cannot make a directory where one was, nor the reverse.
    if !changesKind(old, new) { commands.append(("patch -s -p1 < ../patch", from: old, to: new)) }
    for (command, old, new) in commands where !patch.isEmpty {
      let expected = shell("cd \(directory.path)/\(new) && \(Self.list)").output
      let (code, output) = shell(
        "cd \(directory.path) && rm -rf work && cp -a \(old) work && cd work && { \(command); }")
      let found = shell("cd \(directory.path)/work && \(Self.list)").output
      if code != 0 || expected != found {
        Issue.record(
          """
          \(what): \(command): \(code) \(output)
          \(String(decoding: patch, as: UTF8.self))
          \(expected)
          --- is
          \(found)
          """)
      }
    }
    if patch.isEmpty {
      let expected = shell("cd \(directory.path)/\(new) && \(Self.list)").output
      #expect(shell("cd \(directory.path)/\(old) && \(Self.list)").output == expected, "\(what): the patch is empty")
    }
  }

  /// Whether a path is a directory in one of two trees alone.
  private func changesKind(_ old: String, _ new: String) -> Bool {
    let list = "find . ! -type d -printf '%p\\0'; cd ../OTHER; find . -type d -printf '%p\\0'"
    return [(old, new), (new, old)].contains { one, other in
      let list = list.replacing("OTHER", with: other)
      return shell("cd \(directory.path)/\(one) && { \(list); } | sort -z | uniq -zd | wc -c").output != "0\n"
    }
  }

  /// All that a patch knows of: no empty directories, and of permissions whether the owner may execute.
  private static let list = """
    chmod -R u+rw,go+r . && find . -mindepth 1 ! -type d -printf '%P %y %M %l\\0' | LC_ALL=C sort -z | tr '\\0' '\\n'; \
    find . -type f -print0 | LC_ALL=C sort -z | xargs -0r cat
    """
}
