import Glibc
import PosixCalls
import SystemIO
import TestSupport
import Testing

extension Posix {
  /// Handles that outlive what the kernel remembers: name_to_handle_at(2), open_by_handle_at(2).
  @Suite(.needs(.handles)) struct HandleTests {
    let place: Place
    let root: OpenFile

    init() throws {
      place = try Place()
      root = try place.path.open(O_RDONLY)
    }

    /// Makes the kernel forget names and inodes that nobody uses.
    private func dropCaches() { #expect(shell("sync; echo 2 > /proc/sys/vm/drop_caches").code == 0) }

    @Test func filesAreOpenedWithoutAName() throws {
      for name: Path in ["d", "d/e"] { try (place / name).makeDirectory() }
      try (place / "d/e/file").setContent(pattern(5000))
      let handles = [try (place / "d/e/file").handle(), try (place / "d/e").handle(), try (place / "d").handle()]
      #expect(Set(handles).count == 3)
      try (place / "d/e/file").rename(to: place / "moved")
      dropCaches()
      #expect(try root.open(handles[0], O_RDWR).read(10000) == pattern(5000))
      #expect(try root.open(handles[2], O_RDONLY).open("e", O_RDONLY).status().isDirectory)
      let directory = try root.open(handles[1], O_RDONLY | O_DIRECTORY)
      #expect(try Set(directory.nextEntries().map(\.name)) == [".", ".."])
      #expect(try directory.open("../..", O_RDONLY).status().inode == place.path.status().inode)
      #expect(try (place / "moved").handle() == handles[0])
      try root.open(handles[0], O_WRONLY).write([9])
      #expect(try (place / "moved").content().first == 9)
    }

    @Test(arguments: [Kind.file, .directory, .pipe, .link])
    func everyKindHasAHandle(kind: Kind) throws {
      try kind.make(place / "object")
      let handle = try (place / "object").handle()
      dropCaches()
      let open = try root.open(handle, OpenFlag.path | (kind == .link ? O_NOFOLLOW : 0))
      #expect(try open.status().inode == (place / "object").status().inode)
    }

    @Test func whatIsGoneIsStale() throws {
      try (place / "file").setContent([1])
      try (place / "directory").makeDirectory()
      let handles = [try (place / "file").handle(), try (place / "directory").handle()]
      try (place / "file").unlink()
      try (place / "directory").removeDirectory()
      for handle in handles { #expect(throws: Errno.stale) { try root.open(handle, O_RDONLY) } }
      dropCaches()
      for handle in handles { #expect(throws: Errno.stale) { try root.open(handle, O_RDONLY) } }
      try (place / "file").setContent([2])
      for handle in handles { #expect(throws: Errno.stale) { try root.open(handle, O_RDONLY) } }
    }

    @Test func whatIsOpenIsNotGone() throws {
      try (place / "file").setContent([1])
      let handle = try (place / "file").handle()
      let file = try (place / "file").open(O_RDONLY)
      try (place / "file").unlink()
      dropCaches()
      #expect(try root.open(handle, O_RDONLY).status().inode == file.status().inode)
    }

    @Test func onlyRootMayUseThem() throws {
      try (place / "file").setContent([1])
      let handle = try (place / "file").handle()
      let caller = try Caller(user: 1000, group: 1000)
      #expect(throws: Errno.notPermitted) { _ = try caller.run { try root.open(handle, O_RDONLY) } }
    }
  }
}
