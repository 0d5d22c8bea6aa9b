import Glibc
import PosixCalls
import SystemIO
import Testing

extension Posix {
  /// Hard links, and files that live without a name.
  @Suite struct LinkTests {
    let place: Place
    init() throws { place = try Place() }

    @Test(arguments: [Kind.file, .link, .danglingLink, .pipe, .socket, .device])
    func everythingButDirectoriesHasSeveralNames(kind: Kind) throws {
      try kind.make(place / "a")
      try (place / "a").link(to: place / "b")
      let (a, b) = (try (place / "a").status(), try (place / "b").status())
      #expect(a == b && a.links == 2 && a.kind == kind.mode)
      try (place / "a").unlink()
      #expect(try (place / "b").status().links == 1)
    }

    @Test func aLinkToALinkIsOneUnlessFollowed() throws {
      try (place / "file").setContent([1])
      try (place / "link").makeSymbolicLink(to: "file")
      try (place / "link").link(to: place / "itself")
      try (place / "link").link(to: place / "target", followsLink: true)
      #expect(try (place / "itself").status().kind == S_IFLNK)
      #expect(try (place / "target").status().inode == (place / "file").status().inode)
    }

    @Test(
      arguments: [
        ("directory", "new", .notPermitted), ("file", "file", .exists), ("file", "directory", .exists),
        ("file", "danglingLink", .exists), ("missing", "new", .noSuchFile), ("file", "missing/new", .noSuchFile),
        ("file", "file/new", .notDirectory), ("file/", "new", .notDirectory), ("file", "new/", .noSuchFile),
      ] as [(Path, Path, Errno)])
    func everyErrorIsTheRightOne(from: Path, to: Path, error: Errno) throws {
      for kind in Kind.allCases { try kind.make(place / "\(kind.rawValue)") }
      #expect(throws: error) { try (place / from).link(to: place / to) }
    }

    @Test func anotherFileSystemIsRefused() throws {
      try (place / "file").setContent([])
      #expect(throws: Errno.crossDevice) { try (place / "file").link(to: "/dev/shm/tine-new") }
    }

    /// 65,000 is what ext4 can do; TINE_POSIX_ENTRIES asks for more than a few.
    @Test func aFileHasManyNames() throws {
      let count = getenv("TINE_POSIX_ENTRIES") == nil ? 2000 : 65_000
      try (place / "file").setContent([1])
      for index in 1..<count { try (place / "file").link(to: place / "name-\(index)") }
      #expect(try (place / "file").status().links == UInt32(count))
      for index in 1..<count { try (place / "name-\(index)").unlink() }
      #expect(try (place / "file").status().links == 1)
    }

    @Test func aFileLivesAsLongAsItIsOpen() throws {
      let path = place / "file"
      try path.setContent(pattern(100_000))
      let file = try path.open(O_RDWR)
      try path.unlink()
      try path.setContent([1])
      #expect(try file.status().links == 0)
      #expect(try file.read(100_000) == pattern(100_000))
      try file.write(pattern(5000, seed: 3), at: 200_000)
      try file.truncate(to: 300_000)
      try file.allocate([.punch, .keepSize], at: 0, count: 65536)
      try file.setMode(0o600)
      try file.setOwner(user: 5)
      try file.setTimes(accessed: .omit, modified: .at(.init(7)))
      try file.synchronize()
      let status = try file.status()
      #expect(status.size == 300_000 && status.permissions == 0o600 && status.user == 5 && status.modified == .init(7))
      #expect(try file.read(5000, at: 200_000) == pattern(5000, seed: 3))
      #expect(try file.path.open(O_RDONLY).read(10, at: 200_000) == pattern(10, seed: 3))
      #expect(throws: Errno.noSuchFile) { try file.link(to: place / "again") }
      #expect(try path.content() == [1])
    }

    @Test func aMappingOutlivesNameAndDescriptor() throws {
      try (place / "file").setContent(pattern(4096))
      let mapping = try Mapping(try (place / "file").open(O_RDWR), count: 4096)
      try (place / "file").unlink()
      mapping[10] = 0
      try mapping.synchronize()
      #expect(mapping[10] == 0 && mapping[11..<4096] == Array(pattern(4096)[11...]))
    }

    @Test func unlinkingIsChecked() throws {
      try Kind.file.make(place / "file")
      #expect(throws: Errno.noSuchFile) { try (place / "missing").unlink() }
      #expect(throws: Errno.notDirectory) { try (place / "file/").unlink() }
      #expect(throws: Errno.notDirectory) { try (place / "file/x").unlink() }
      #expect(throws: Errno.isDirectory) { try place.path.unlink() }
    }
  }
}
