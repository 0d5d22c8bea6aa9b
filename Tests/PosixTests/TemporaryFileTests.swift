import Glibc
import PosixCalls
import SystemIO
import Testing

extension Posix {
  /// Files without a name: O_TMPFILE, and linkat(2) of them.
  @Suite struct TemporaryFileTests {
    let place: Place
    init() throws { place = try Place() }

    private func temporary(_ flags: Int32 = O_RDWR, mode: mode_t = 0o644) throws(Errno) -> OpenFile {
      try place.path.open(flags | OpenFlag.temporary, mode: mode)
    }

    @Test func aFileWithoutANameIsGivenOne() throws {
      let file = try temporary()
      try file.write(pattern(10000))
      #expect(try file.status().links == 0)
      #expect(try place.path.names() == [])
      try file.link(to: place / "named")
      #expect(try file.status().links == 1)
      try file.link(to: place / "again")
      #expect(try (place / "again").status().links == 2)
      #expect(try (place / "named").content() == pattern(10000))
      try (place / "named").unlink()
      try (place / "again").unlink()
      #expect(throws: Errno.noSuchFile) { try file.link(to: place / "late") }
    }

    @Test func othersGiveItANameThroughProc() throws {
      let caller = try Caller(user: 1000, group: 1000, umask: 0o027)
      try caller.run {
        let file = try temporary(mode: 0o666)
        try file.path.link(to: place / "named", followsLink: true)
      }
      let status = try (place / "named").status()
      #expect(status.permissions == 0o640 && status.user == 1000 && status.group == 1000)
    }

    @Test func anExclusiveOneStaysWithoutAName() throws {
      let file = try temporary(O_RDWR | O_EXCL)
      #expect(throws: Errno.noSuchFile) { try file.link(to: place / "named") }
      #expect(throws: Errno.noSuchFile) { try file.path.link(to: place / "named", followsLink: true) }
    }

    @Test func itNeedsADirectoryAndToBeWritten() throws {
      try Kind.file.make(place / "file")
      #expect(throws: Errno.invalidArgument) { try temporary(O_RDONLY) }
      #expect(throws: Errno.notDirectory) { try (place / "file").open(O_RDWR | OpenFlag.temporary) }
      #expect(throws: Errno.noSuchFile) { try (place / "missing").open(O_RDWR | OpenFlag.temporary) }
      try place.path.setMode(0o755)
      let caller = try Caller(user: 1000, group: 1000)
      #expect(throws: Errno.accessDenied) { _ = try caller.run { try temporary() } }
    }

    @Test func itLivesAsLongAsItIsOpen() throws {
      let file = try temporary(O_WRONLY)
      try file.truncate(to: 1 << 20)
      try file.setMode(0o600)
      try file.setAttribute("user.name", to: [1])
      try file.synchronize()
      let again = try file.path.open(O_RDWR)
      #expect(try again.status().size == 1 << 20)
      #expect(throws: Errno.exists) { try file.link(to: place.path) }
    }

    @Test func itTakesTheGroupOfItsDirectory() throws {
      try place.path.setOwner(group: 2000)
      try place.path.setMode(0o2777)
      #expect(try temporary().status().group == 2000)
    }
  }
}
