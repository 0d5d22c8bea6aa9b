import Glibc
import PosixCalls
import SystemIO
import TestSupport
import Testing

extension Posix {
  /// Directories: what is in them, their link counts, and reading them.
  @Suite struct DirectoryTests {
    let place: Place
    init() throws { place = try Place() }

    /// TINE_POSIX_ENTRIES=1000000 for the size that servers have seen.
    private static let entries = getenv("TINE_POSIX_ENTRIES").flatMap { Int(String(cString: $0)) } ?? 20_000

    @Test func manyEntriesAreListedOnce() throws {
      let directory = place / "many"
      try directory.makeDirectory()
      let file = try (place / "file").create()
      let names = (0..<Self.entries).map { Path("entry-\($0 * 7919 % Self.entries)") }
      for name in names { try (directory / name).makeNode(mode: S_IFREG | 0o600) }
      #expect(try Set(directory.names()) == Set(names))
      #expect(try directory.entries(bufferSize: 1000).count == Self.entries + 2)
      #expect(try (directory / names[Self.entries / 2]).status().size == 0)
      #expect(throws: Errno.directoryNotEmpty) { try directory.removeDirectory() }
      for name in names { try (directory / name).unlink() }
      #expect(try directory.names() == [])
      try directory.removeDirectory()
      try file.write([1])
    }

    /// Reading goes on where it was while every entry that was read is removed.
    @Test func removingWhileReadingRemovesAll() throws {
      for index in 0..<500 { try (place / "entry-\(index)").setContent([]) }
      let directory = try place.path.open(O_RDONLY)
      var removed = 0
      while case let entries = try directory.nextEntries(bufferSize: 512), !entries.isEmpty {
        for entry in entries where entry.name != "." && entry.name != ".." {
          try (place / entry.name).unlink()
          removed += 1
        }
      }
      #expect(removed == 500)
      #expect(try place.path.names() == [])
    }

    /// Entries that stay are found exactly once, however many come and go meanwhile.
    @Test func entriesThatStayAreNeitherSkippedNorRepeated() throws {
      let stable = Set((0..<300).map { Path("stable-\($0)") })
      for name in stable { try (place / name).setContent([]) }
      let path = place.path
      try onThreads(2) { index in
        if index == 0 {
          for round in 0..<600 {
            try (path / "passing-\(round)").setContent([])
            if round >= 50 { try (path / "passing-\(round - 50)").unlink() }
            if round % 3 == 0 { try (path / "passing-\(round)").rename(to: path / "renamed-\(round)") }
            if round % 3 == 0 { try (path / "renamed-\(round)").rename(to: path / "passing-\(round)") }
          }
        } else {
          for round in 0..<40 {
            let names = try path.entries(bufferSize: 300 + round * 50).map(\.name)
            #expect(names.count { stable.contains($0) } == stable.count)
            #expect(stable.isSubset(of: names))
          }
        }
      }
    }

    /// Of every entry, `next` is where the following ones begin, also after others have gone.
    @Test func readingGoesOnWhereItIsTold() throws {
      for index in 0..<200 { try (place / "entry-\(index)").setContent([]) }
      let directory = try place.path.open(O_RDONLY)
      let all = try place.path.entries()
      for start in stride(from: 0, to: all.count - 1, by: 17) {
        try directory.seek(all[start].next)
        var rest: [DirectoryEntry] = []
        while case let entries = try directory.nextEntries(bufferSize: 600), !entries.isEmpty { rest += entries }
        #expect(rest.map(\.name) == all[(start + 1)...].map(\.name))
      }
      let middle = all[100]
      for entry in all[..<100] where entry.name != "." && entry.name != ".." { try (place / entry.name).unlink() }
      try directory.seek(middle.next)
      #expect(try directory.nextEntries().map(\.name) == all[101...].map(\.name))
      try directory.seek(0)
      #expect(try Set(directory.nextEntries().map(\.name)).isSuperset(of: all[100...].map(\.name)))
    }

    @Test func rewindingShowsWhatIsNew() throws {
      let directory = try place.path.open(O_RDONLY)
      #expect(try directory.nextEntries().count == 2)
      try (place / "new").setContent([])
      try directory.seek(0)
      #expect(try Set(directory.nextEntries().map(\.name)) == [".", "..", "new"])
    }

    @Test(arguments: [Kind.file, .directory, .link, .pipe, .socket, .device])
    func entriesTellKindAndInode(kind: Kind) throws {
      try kind.make(place / "object")
      let entry = try #require(try place.path.entries().first { $0.name == "object" })
      #expect(UInt32(entry.kind) << 12 == kind.mode)
      #expect(try entry.inode == (place / "object").status().inode)
      let own = try #require(try place.path.entries().first { $0.name == "." })
      #expect(try own.inode == place.path.status().inode && UInt32(own.kind) << 12 == S_IFDIR)
    }

    @Test(.needs(.subdirectoryCounts)) func linksAreCounted() throws {
      #expect(try place.path.status().links == 2)
      for index in 0..<50 { try (place / "d\(index)").makeDirectory() }
      try (place / "file").setContent([])
      #expect(try place.path.status().links == 52)
      for index in 0..<30 { try (place / "d\(index)").removeDirectory() }
      #expect(try place.path.status().links == 22)
      try (place / "d40").rename(to: place / "d41")
      #expect(try place.path.status().links == 21)
      try (place / "d42").rename(to: place / "d43/d42")
      #expect(try place.path.status().links == 20)
      #expect(try (place / "d43").status().links == 3)
    }

    @Test(
      arguments: [
        ("full", .directoryNotEmpty), ("full/.", .invalidArgument), ("full/..", .directoryNotEmpty),
        ("file", .notDirectory), ("link", .notDirectory), ("missing", .noSuchFile), ("file/x", .notDirectory),
        ("", .noSuchFile),
      ] as [(Path, Errno)])
    func removingADirectoryIsChecked(name: Path, error: Errno) throws {
      try Kind.fullDirectory.make(place / "full")
      try Kind.file.make(place / "file")
      try Kind.link.make(place / "link")
      #expect(throws: error) { try (name == "" ? name : place / name).removeDirectory() }
      #expect(throws: Errno.isDirectory) { try (place / "full").unlink() }
      #expect(try place.path.names() == ["file", "full", "link"])
    }

    /// The kernel of a mount had kept the list, with the old directory's number.
    @Test func aMovedDirectoryListsTheOneItIsIn() throws {
      for name in ["a", "a/moved", "b"] as [Path] { try (place / name).makeDirectory() }
      _ = try (place / "a/moved").entries()
      try (place / "a/moved").rename(to: place / "b/moved")
      let parent = try #require(try (place / "b/moved").entries().first { $0.name == ".." })
      #expect(try parent.inode == (place / "b").status().inode)
    }

    @Test func aRemovedDirectoryThatIsOpenIsDead() throws {
      try (place / "directory").makeDirectory()
      let directory = try (place / "directory").open(O_RDONLY)
      try (place / "directory").removeDirectory()
      #expect(try directory.status().links == 0)
      #expect(throws: Errno.noSuchFile) { try directory.nextEntries() }
      #expect(throws: Errno.noSuchFile) { try directory.open("new", O_RDWR | O_CREAT) }
      #expect(throws: Errno.noSuchFile) { try (directory.path / "sub").makeDirectory() }
      #expect(throws: Errno.noSuchFile) { try (directory.path / "link").makeSymbolicLink(to: "x") }
    }

    @Test func aDirectoryIsNoFile() throws {
      try Kind.file.make(place / "file")
      let directory = try place.path.open(O_RDONLY)
      #expect(throws: Errno.isDirectory) { try directory.read(10) }
      #expect(throws: Errno.badDescriptor) { try directory.write([1]) }
      #expect(throws: Errno.invalidArgument) { try directory.truncate(to: 0) }
      #expect(throws: Errno.notDirectory) { try (place / "file").entries() }
      try directory.synchronize()
      try directory.synchronizeFileSystem()
    }
  }
}
