import Glibc
import PosixCalls
import SystemIO
import Testing

extension Posix {
  /// What a fork does otherwise than ext4, as docs/posix.md tells with the reasons. Where one of these fails, a
  /// difference may be gone, and its line in the document with it.
  @Suite(.enabled(if: Ground.given == nil, "this is about forks")) struct DifferenceTests {
    let place: Place
    let path: Path

    init() throws {
      place = try Place()
      path = place / "file"
      try path.setContent(pattern(200_000))
    }

    @Test(arguments: [.collapse, .insert] as [AllocationMode])
    func rangesAreNeitherTakenOutNorPutIn(mode: AllocationMode) throws {
      #expect(throws: Errno.notSupported) { try path.open(O_RDWR).allocate(mode, at: 0, count: 65536) }
    }

    @Test func readingLeavesTheAccessTime() throws {
      try path.setTimes(accessed: .at(.init(1)), modified: .at(.init(2)))
      _ = try path.content()
      #expect(try path.status().accessed == .init(1))
    }

    @Test func allocatingReservesNothing() throws {
      try path.open(O_RDWR).allocate(at: 0, count: 1 << 30)
      #expect(try path.status().blocks <= 400)
    }

    @Test func zerosTakeNoSpace() throws {
      try path.setContent([UInt8](repeating: 0, count: 100_000))
      #expect(try path.status().blocks == 0)
      #expect(try path.open(O_RDONLY).seek(0, from: .hole) == 0)
    }

    @Test func directAccessNeedNotBeAligned() throws {
      let file = try path.open(O_RDWR | OpenFlag.direct)
      #expect(try file.read(100, at: 7) == Array(pattern(107)[7...]))
      #expect(try file.write([1, 2, 3], at: 9) == 3)
      #expect(try path.open(O_RDONLY).read(3, at: 9) == [1, 2, 3])
    }

    /// Whatever the file shows then, it shows in every way.
    @Test func whatIsMappedBehindTheEndIsSeenWhenTheFileGrows() throws {
      let file = try (place / "short").create()
      try file.write(pattern(100))
      let mapping = try Mapping(file, count: 4096)
      mapping[200] = 9
      try file.truncate(to: 4096)
      #expect(mapping[200] == 9)
      #expect(try file.read(1, at: 200) == [9])
      #expect(try (place / "short").open(O_RDONLY | OpenFlag.direct).read(1, at: 200) == [9])
    }

    @Test func filesAreNotCloned() throws {
      let copy = try (place / "copy").create()
      #expect(throws: Errno.notSupported) { try copy.clone(try path.open(O_RDONLY)) }
    }

    @Test func aListHasAPageOfEntriesAtMost() throws {
      let users = (1...507).map { AccessControlList.Entry(.user, 7, of: $0) }
      let list = AccessControlList(
        [.init(.owner, 7)] + users + [.init(.owningGroup, 7), .init(.mask, 7), .init(.other, 7)])
      try path.setAccessControlList(list)
      var longer = list
      longer.entries.insert(.init(.user, 7, of: 508), at: 508)
      #expect(throws: Errno.argumentListTooLong) { try path.setAccessControlList(longer) }
    }

    /// The kernel asks for the capabilities only to be taken, with a request that looks like chown(2).
    @Test func rootsWriteTakesSetUserFromAProgramWithCapabilities() throws {
      try path.setAttribute("security.capability", to: [1, 0, 0, 2, 0, 4] + [UInt8](repeating: 0, count: 14))
      try path.setMode(0o4755)
      try path.open(O_WRONLY).write([1])
      #expect(try path.status().permissions == 0o755)
    }

    /// The kernel asks for the same before a write, which must go on.
    @Test func aStrangersChownToNobodyNewDoesNothing() throws {
      try path.setOwner(user: 1000, group: 1000)
      try path.setMode(0o6777)
      try Caller(user: 1001, group: 1001).run { try path.setOwner() }
      #expect(try path.status().permissions == 0o6777)
      // Where there is nothing that goes, it marks the time as everywhere.
      try path.setMode(0o2767)
      let before = try path.status().changed
      try Caller(user: 1001, group: 1001, groups: [1000]).run { try path.setOwner() }
      #expect(try path.status().permissions == 0o2767)
      #expect(try path.status().changed > before)
    }
  }
}
