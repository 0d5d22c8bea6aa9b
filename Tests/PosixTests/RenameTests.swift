import Glibc
import PosixCalls
import SystemIO
import Testing

extension Posix {
  /// rename(2) and renameat2(2).
  @Suite struct RenameTests {
    let place: Place
    init() throws { place = try Place() }

    static let kinds: [Kind] = [.file, .directory, .fullDirectory, .link, .pipe]

    @Test(arguments: kinds, kinds)
    func aNameTakesThePlaceOfAnother(from: Kind, to: Kind) throws {
      let (a, b) = (place / "a", place / "b")
      try from.make(a)
      try to.make(b)
      let moved = try a.status().inode
      let expected: Errno? =
        switch (from.isDirectory, to) {
        case (true, .directory): nil
        case (true, .fullDirectory): .directoryNotEmpty
        case (true, _): .notDirectory
        case (false, .directory), (false, .fullDirectory): .isDirectory
        case (false, _): nil
        }
      #expect(try failure { try a.rename(to: b) } == expected)
      #expect(try place.path.names() == (expected == nil ? ["b"] : ["a", "b"]))
      #expect(try (b.status().inode == moved) == (expected == nil))
    }

    @Test(arguments: kinds, kinds)
    func noReplaceRefusesWhatIsThere(from: Kind, to: Kind) throws {
      try from.make(place / "a")
      try to.make(place / "b")
      #expect(throws: Errno.exists) { try (place / "a").rename(to: place / "b", .noReplace) }
      try (place / "a").rename(to: place / "c", .noReplace)
      #expect(try place.path.names() == ["b", "c"])
    }

    @Test(arguments: kinds, kinds)
    func exchangeSwapsWhateverTheyAre(first: Kind, second: Kind) throws {
      let (a, b) = (place / "one" / "a", place / "two" / "b")
      try (place / "one").makeDirectory()
      try (place / "two").makeDirectory()
      try first.make(a)
      try second.make(b)
      let before = [try a.status().inode, try b.status().inode]
      try a.rename(to: b, .exchange)
      #expect([try b.status().inode, try a.status().inode] == before)
      for (directory, kind) in [("one", second), ("two", first)] {
        let links = try (place / "\(directory)").status().links
        #expect(links == (kind.isDirectory ? 3 : 2) || !countsSubdirectories)
        let entry = try #require(try (place / "\(directory)").entries().first { $0.name != "." && $0.name != ".." })
        #expect(UInt32(entry.kind) << 12 == kind.mode)
      }
      for path in [a, b] where try path.status().isDirectory { try expectParentEntry(of: path) }
    }

    @Test(.needs(.whiteouts), arguments: [Kind.file, .directory, .link, .pipe], [UInt32(1000), 0])
    func whiteoutLeavesADeviceBehind(kind: Kind, user: UInt32) throws {
      let caller = try Caller(user: user, group: user)
      try caller.run {
        try kind.make(place / "a")
        try (place / "a").rename(to: place / "b", .whiteout)
        try (place / "a").unlink()
        try kind.make(place / "c")
        try (place / "c").rename(to: place / "d", [.whiteout, .noReplace])
      }
      #expect(try place.path.names() == ["b", "c", "d"])
      let left = try (place / "c").status()
      #expect(left.kind == S_IFCHR && left.specialDevice == 0 && left.permissions == 0 && left.links == 1)
      #expect(try (place / "d").status().kind == kind.mode)
    }

    @Test(
      arguments: [
        ([.noReplace, .exchange], .invalidArgument), ([.exchange, .whiteout], .invalidArgument),
        (RenameFlags(rawValue: 8), .invalidArgument), (RenameFlags(rawValue: 1 << 31), .invalidArgument),
      ] as [(RenameFlags, Errno)])
    func flagsThatContradictAreRefused(flags: RenameFlags, error: Errno) throws {
      try Kind.file.make(place / "a")
      try Kind.file.make(place / "b")
      #expect(throws: error) { try (place / "a").rename(to: place / "b", flags) }
    }

    /// Below a directory with `d` (in it `sub`, a directory, with `deep`), `e` (a directory), `f` (a file) and
    /// `g` (a link of `f`).
    @Test(
      arguments: [
        ("missing", "new", [], .noSuchFile), ("missing", "f", [], .noSuchFile),
        ("missing", "f", .noReplace, .noSuchFile),
        ("f", "missing", .exchange, .noSuchFile), ("f", "missing/new", [], .noSuchFile),
        ("f", "g/new", [], .notDirectory),
        ("f/x", "new", [], .notDirectory), ("", "new", [], .noSuchFile), ("f", "", [], .noSuchFile),
        ("d", "d/new", [], .invalidArgument), ("d", "d/sub/new", [], .invalidArgument),
        ("d", "d/sub", .exchange, .invalidArgument), ("d/sub", "d", .exchange, .invalidArgument),
        ("d/sub", "d", [], .directoryNotEmpty), ("d/sub/deep", "d", [], .directoryNotEmpty),
        ("d/.", "new", [], .busy), ("d/..", "new", [], .busy), ("e", "d/.", [], .busy), ("e", "d/..", [], .busy),
        ("f", "new/", [], .notDirectory), ("f/", "new", [], .notDirectory), ("f", "e/", [], .notDirectory),
        ("e", "f/", [], .notDirectory), ("e/", "new/", [], nil), ("e", "d/sub/deep/", [], nil), ("f", "f", [], nil),
        ("f", "g", [], nil), ("d", "d", [], nil), ("f", "g", .exchange, nil), ("f", "f", .noReplace, .exists),
      ] as [(Path, Path, RenameFlags, Errno?)])
    func everyErrorIsTheRightOne(from: Path, to: Path, flags: RenameFlags, expected: Errno?) throws {
      try (place / "d").makeDirectory()
      try (place / "d/sub").makeDirectory()
      try (place / "d/sub/deep").makeDirectory()
      try (place / "e").makeDirectory()
      try Kind.file.make(place / "f")
      try (place / "f").link(to: place / "g")
      let old = from == "" ? from : place / from
      let new = to == "" ? to : place / to
      #expect(try failure { try old.rename(to: new, flags) } == expected)
    }

    /// Two names of one inode: nothing happens, and both stay.
    @Test func namesOfOneFileBothStay() throws {
      try Kind.file.make(place / "a")
      try (place / "a").link(to: place / "b")
      try (place / "a").rename(to: place / "b")
      #expect(try place.path.names() == ["a", "b"])
      #expect(try (place / "b").status().links == 2)
    }

    @Test func aDirectoryTakesItsParentAlong() throws {
      for name: Path in ["from", "to", "from/d", "from/d/sub"] { try (place / name).makeDirectory() }
      try (place / "from/d").rename(to: place / "to/d")
      try expectParentEntry(of: place / "to/d")
      guard countsSubdirectories else { return }
      #expect(try (place / "from").status().links == 2)
      #expect(try (place / "to").status().links == 3)
      try (place / "from").rename(to: place / "to/d/sub/from")
      #expect(try (place / "to/d/sub").status().links == 3)
      try (place / "to/d/sub/from").rename(to: place / "to/d/from")
      #expect(try (place / "to/d").status().links == 4)
    }

    @Test func whatIsReplacedLivesOnWhereItIsOpen() throws {
      try (place / "old").setContent([1, 2, 3])
      try (place / "new").setContent([4])
      let file = try (place / "old").open(O_RDWR)
      try (place / "new").rename(to: place / "old")
      #expect(try file.read(10) == [1, 2, 3])
      #expect(try file.status().links == 0)
      #expect(try (place / "old").content() == [4])
    }

    @Test func anotherFileSystemIsRefused() throws {
      try Kind.file.make(place / "a")
      #expect(throws: Errno.crossDevice) { try (place / "a").rename(to: "/proc/self/a") }
    }

    /// Of a directory that moves, `..` is changed, which needs permission to write to it.
    @Test func movingADirectoryNeedsToWriteToIt() throws {
      try (place / "to").makeDirectory()
      try (place / "to").setMode(0o777)
      try (place / "d").makeDirectory()
      let caller = try Caller(user: 1000, group: 1000)
      #expect(throws: Errno.accessDenied) { try caller.run { try (place / "d").rename(to: place / "to/d") } }
      try caller.run { try (place / "d").rename(to: place / "e") }
    }

    private var countsSubdirectories: Bool { Feature.subdirectoryCounts.isThere }

    private func expectParentEntry(of path: Path) throws {
      let parent = try #require(try path.entries().first { $0.name == ".." })
      #expect(try parent.inode == (path / "..").status().inode)
      let above = Path(Array(path.bytes[..<path.bytes.lastIndex(of: 0x2f)!]))
      #expect(try parent.inode == above.status().inode)
    }
  }
}
