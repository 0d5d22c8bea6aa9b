import Glibc
import PosixCalls
import SystemIO
import Testing

extension Posix {
  /// Mounts that show the owners of files shifted, as containers use them: mount_setattr(2) with MOUNT_ATTR_IDMAP.
  @Suite(.needs(.shiftedOwners)) struct ShiftedOwnerTests {
    let place: Place
    let inside: Path
    let shifted: ShiftedMount
    private static let first = ShiftedMount.first

    init() throws {
      place = try Place()
      inside = place / "inside"
      try inside.makeDirectory()
      try inside.setMode(0o777)
      try (place / "mount").makeDirectory()
      shifted = try ShiftedMount(of: inside, at: place / "mount")
    }

    @Test func ownersAreShown() throws {
      try (inside / "file").setContent([])
      try (inside / "file").setOwner(user: 5, group: 6)
      let status = try (shifted.path / "file").status()
      #expect(status.user == Self.first + 5 && status.group == Self.first + 6)
    }

    @Test func newFilesBelongToWhoIsMeant() throws {
      try Caller(user: Self.first + 7, group: Self.first + 8).run {
        try (shifted.path / "file").setContent([1])
        try (shifted.path / "directory").makeDirectory()
        try (shifted.path / "link").makeSymbolicLink(to: "x")
        try (shifted.path / "pipe").makeNode(mode: S_IFIFO | 0o600)
        let file = try shifted.path.open(O_RDWR | OpenFlag.temporary)
        try file.path.link(to: shifted.path / "late", followsLink: true)
      }
      for name in try inside.names() {
        let status = try (inside / name).status()
        #expect(status.user == 7 && status.group == 8, "\(name)")
      }
      #expect(try inside.names().count == 5)
    }

    @Test func permissionsAndOwnersGoThroughTheMap() throws {
      try (inside / "file").setContent([1])
      try (inside / "file").setOwner(user: 5, group: 5)
      try (inside / "file").setMode(0o600)
      let file = shifted.path / "file"
      #expect(try Caller(user: Self.first + 5, group: Self.first).run { try file.content() } == [1])
      #expect(throws: Errno.accessDenied) { try Caller(user: 5, group: 5).run { try file.content() } }
      try file.setOwner(user: Self.first + 9)
      #expect(try (inside / "file").status().user == 9)
      #expect(throws: Errno(rawValue: EOVERFLOW)) { try (shifted.path / "new").setContent([]) }
    }
  }
}
