import FileSystem
import Ledger
import SystemIO
import TestSupport
import Testing

@testable import Store

/// A diff says what differs at each path, by kind, content and attributes.
@Suite struct DiffTests {
  private let store: Store
  private let files: FileSystem
  private static let user = Credentials(user: 1, group: 1)

  init() throws {
    store = try makeStore(on: MemoryStorage())
    _ = try store.createFork(named: "old")
    files = try store.files("old")
    try files.makeRoot(mode: 0o755, Self.user)
  }

  // MARK: Random states

  /// Two forks of one state, changed at random: each difference leads from one to the other.
  @Test(arguments: [UInt64](1...60)) func everyDifferenceIsWhatTheModelSays(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    var base = try store.makeFork("base")
    try base.run(80, &random)
    _ = try store.fork(Reference("base"), as: "one")
    _ = try store.fork(Reference("base"), as: "other")
    var one = try base.moved(to: store.files("one"))
    var other = try base.moved(to: store.files("other"))
    for _ in 0..<6 {
      try one.run(Int(seed % 7) * 3 + 1, &random)
      try other.run(3, &random)
      for (from, to) in [(one, other), (other, one), (base, one), (other, base)] {
        let changes = try store.diff(Reference(from.files.name), Reference(to.files.name))
        do { try from.model.compareDifference(to: to.model, changes) } catch {
          Issue.record("seed \(seed), \(from.files.name) to \(to.files.name): \(error)")
          return
        }
      }
    }
  }

  /// Once every file that each of them had made was told as removed and added.
  @Test(arguments: [UInt64](1...20)) func forksThatDidTheSameDoNotDiffer(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    var base = try store.makeFork("base")
    try base.run(60, &random)
    var again = random
    _ = try store.fork(Reference("base"), as: "one")
    _ = try store.fork(Reference("base"), as: "other")
    var one = try base.moved(to: store.files("one"))
    var other = try base.moved(to: store.files("other"))
    try one.run(120, &random)
    try other.run(120, &again)
    #expect(try store.diff(Reference("one"), Reference("other")) == [], "seed \(seed)")
  }

  // MARK: Examples

  private func make(_ path: String, _ content: String = "", mode: UInt32 = 0o100644) throws {
    let (parent, name) = try place(path)
    let inode = try store.files("new").mknod(parent, name, mode: mode, device: 0, Self.user).inode
    try store.files("new").put(inode, Array(content.utf8))
  }

  private func place(_ path: String) throws -> (parent: InodeNumber, name: [UInt8]) {
    var names = path.split(separator: "/").map { Array($0.utf8) }
    let name = names.removeLast()
    return (try names.reduce(FileSystem.rootInode) { try store.files("new").lookup($0, $1).inode }, name)
  }

  private func directory(_ path: String) throws {
    let (parent, name) = try place(path)
    _ = try store.files("new").mkdir(parent, name, mode: 0o755, Self.user)
  }

  private func link(_ path: String, _ target: String) throws {
    let (parent, name) = try place(path)
    _ = try store.files("new").symlink(parent, name, target: Array(target.utf8), Self.user)
  }

  private func remove(_ path: String) throws {
    let (parent, name) = try place(path)
    try store.files("new").unlink(parent, name)
  }

  private func rename(_ path: String, _ other: String, flags: UInt32 = 0) throws {
    let (parent, name) = try place(path)
    let (newParent, newName) = try place(other)
    try store.files("new").rename(parent, name, to: newParent, newName, flags: flags, Self.user)
  }

  /// The lines of a diff of what `edit` does to what `prepare` made.
  private func lines(_ prepare: () throws -> Void, _ edit: () throws -> Void) throws -> [String] {
    _ = try store.fork(Reference("old"), as: "new")
    try prepare()
    _ = try store.snapshot(Reference("new"), as: "before")
    try edit()
    return try store.diff(Reference("new@before"), Reference("new")).map(\.line)
  }

  /// Once a file that an editor had replaced was told as removed and added.
  @Test func aReplacedFileIsModified() throws {
    let lines = try lines {
      try make("conf", "one\n")
    } _: {
      try make("temporary", "two\n")
      try rename("temporary", "conf")
    }
    #expect(lines == ["M conf pages 0"])
  }

  @Test func aFileMadeAnewWithTheSameContentIsNoDifference() throws {
    let lines = try lines {
      try directory("d")
      try make("d/conf", "one\n")
    } _: {
      try directory("temporary")
      try make("temporary/conf", "one\n")
      try rename("d", "temporary", flags: 2)
      try remove("temporary/conf")
      try store.files("new").rmdir(1, Array("temporary".utf8))
    }
    #expect(lines == [])
  }

  /// Once a new file was told before the rename that made room for it.
  @Test func whatLeftAPathComesBeforeWhatTookIt() throws {
    let lines = try lines {
      try directory("d")
      try directory("d/s")
      for name in ["d/a", "d/s/f"] { try make(name, name) }
    } _: {
      try rename("d", "z")
      try rename("z/s", "d")
      try make("d/a", "other")
    }
    #expect(lines.first?.hasPrefix("R") == true && lines.last?.hasPrefix("A d/a") == true, "\(lines)")
    #expect(lines.count == 3)
  }

  @Test func aRenamedDirectoryIsOneLineAndWhatChangedBelow() throws {
    let lines = try lines {
      try directory("d")
      try directory("d/e")
      for name in ["d/a", "d/e/b", "d/c"] { try make(name, name) }
    } _: {
      try rename("d", "f")
      try make("f/e/new", "x")
      try remove("f/c")
      try make("f/c", "other")
    }
    #expect(lines == ["R d -> f", "M f/c pages 0 size", "A f/e/new"])
  }

  @Test func directoriesThatChangedPlacesAreRenamed() throws {
    let lines = try lines {
      for name in ["one", "two"] {
        try directory(name)
        try make(name + "/x", name)
      }
    } _: {
      try rename("one", "two", flags: 2)
      try make("one/new", "x")
    }
    #expect(lines == ["R one -> two", "R two -> one", "A one/new"])
  }

  @Test func aChainOfRenamesIsToldAsSuch() throws {
    let lines = try lines {
      for name in ["a", "b", "c"] {
        try directory(name)
        try make(name + "/x", name)
      }
    } _: {
      try rename("c", "d")
      try rename("b", "c")
      try rename("a", "b")
    }
    #expect(lines == ["R c -> d", "R b -> c", "R a -> b"])
  }

  @Test func aDirectoryInsideItsOwnChildIsRenamed() throws {
    let lines = try lines {
      try directory("a")
      try directory("a/b")
      try make("a/b/x", "x")
    } _: {
      try rename("a/b", "b")
      try rename("a", "b/a")
    }
    #expect(lines == ["R a/b -> b", "R a -> b/a"])
  }

  /// The path counts more than where the content went.
  @Test func aDirectoryMadeAnewIsComparedWithTheOneBefore() throws {
    let lines = try lines {
      try directory("d")
      try make("d/x", "one")
      try make("d/same", "same")
    } _: {
      try rename("d", "d.old")
      try directory("d")
      try make("d/x", "two")
      try make("d/same", "same")
    }
    #expect(lines == ["M d/x pages 0", "A d.old", "A d.old/same", "A d.old/x"])
  }

  @Test func whatChangesItsKindGoesBeforeWhatComes() throws {
    let lines = try lines {
      try make("file", "x")
      try directory("directory")
      try make("directory/x", "x")
    } _: {
      try remove("file")
      try directory("file")
      try make("file/x", "y")
      try remove("directory/x")
      try store.files("new").rmdir(1, Array("directory".utf8))
      try make("directory", "z")
    }
    #expect(lines == ["D directory", "D directory/x", "A directory", "D file", "A file", "A file/x"])
  }

  @Test func aDirectoryWhoseLinkTookItsPlaceIsRenamed() throws {
    let lines = try lines {
      try directory("data")
      try make("data/x", "x")
      try directory("to")
    } _: {
      try rename("data", "to/data")
      try link("data", "to/data")
    }
    #expect(lines == ["R data -> to/data", "A data"])
  }

  @Test func filesAreKnownByInodeAndThenByContent() throws {
    let lines = try lines {
      try make("a", "same inode")
      try make("b", "same content")
      try make("empty")
      try make("kept", "same content")
    } _: {
      try rename("a", "z")
      try remove("b")
      try make("y", "same content")
      try remove("empty")
      try make("nothing")
    }
    #expect(lines == ["D empty", "A nothing", "R b -> y", "R a -> z"])
  }

  /// Neither which names lead to one file, nor how many.
  @Test func linksAreNoDifferenceWhereTheContentIsTheSame() throws {
    let lines = try lines {
      try make("a", "x")
      try make("b", "x")
    } _: {
      try remove("b")
      let inode = try store.files("new").lookup(1, Array("a".utf8)).inode
      _ = try store.files("new").link(inode, 1, Array("b".utf8))
    }
    #expect(lines == [])
  }

  @Test func attributesAndTargetsAreCompared() throws {
    let lines = try lines {
      try make("a", "x")
      try link("l", "to one")
      try link("long", String(repeating: "x", count: 1000))
    } _: {
      try remove("a")
      try make("a", "x", mode: 0o100600)
      try remove("l")
      try link("l", "to two")
      try remove("long")
      try link("long", String(repeating: "x", count: 1000))
      let inode = try store.files("new").lookup(1, Array("a".utf8)).inode
      try store.files("new").setxattr(inode, Array("user.a".utf8), [1], flags: 0)
    }
    #expect(lines == ["M a mode extendedAttributes", "M l target"])
  }

  // MARK: Cost

  /// A rename of a directory is looked at, and not what is below it.
  @Test func onlyWhatChangedIsLookedAt() throws {
    _ = try lines {
      try directory("d")
      for number in 0..<2000 { try make("d/\(number)", "\(number)") }
    } _: {
      try rename("d", "e")
      try make("e/new", "x")
    }
    let (old, new) = (try store.pin(Reference("new@before")), try store.pin(Reference("new")))
    let pairs = try PathPairs(StateReader(store, old.tree), StateReader(store, new.tree))
    #expect(pairs.paths.entries.count < 10)
    #expect(pairs.changed.inodes.count < 10)
  }

  /// Once a path of more than 4096 directories was taken for a circle.
  @Test func deepPathsAreCompared() throws {
    let deep = 4200
    _ = try store.fork(Reference("old"), as: "new")
    let files = try store.files("new")
    var inode = FileSystem.rootInode
    for _ in 0..<deep { inode = try files.mkdir(inode, [UInt8(ascii: "d")], mode: 0o755, Self.user).inode }
    _ = try files.mknod(inode, Array("x".utf8), mode: 0o100644, device: 0, Self.user)
    let changes = try store.diff(Reference("old"), Reference("new"))
    #expect(changes.count == deep + 1)
    #expect(changes.last?.path.count == 2 * deep + 1)
    #expect(try store.diff(Reference("new"), Reference("old")).count == deep + 1)
    _ = try store.snapshot(Reference("new"), as: "deep")
    try files.rename(1, [UInt8(ascii: "d")], to: 1, [UInt8(ascii: "e")], flags: 0, Self.user)
    _ = try files.mknod(inode, Array("y".utf8), mode: 0o100644, device: 0, Self.user)
    let renamed = try store.diff(Reference("new@deep"), Reference("new"))
    #expect(renamed.map(\.kind) == [.renamed, .added])
  }
}

extension Change {
  /// What a person would be told.
  fileprivate var line: String {
    let letters: [Kind: String] = [.added: "A", .removed: "D", .modified: "M", .renamed: "R"]
    let oldPath = oldPath.map { String(decoding: $0, as: UTF8.self) + " -> " } ?? ""
    let path = oldPath + String(decoding: path, as: UTF8.self)
    let pages = pages.flatMap { $0 }.map { "\($0)" }.joined(separator: ",")
    let attributes = attributes.map { " \($0.rawValue)" }.joined()
    return "\(letters[kind]!) \(path)\(pages.isEmpty || kind == .added ? "" : " pages " + pages)\(attributes)"
  }
}
