import Glibc
import PosixCalls
import SystemIO
import Testing

extension Posix {
  /// Modes, owners, the umask, and sticky directories.
  @Suite struct PermissionTests {
    let place: Place
    let file: Path

    init() throws {
      place = try Place()
      file = place / "file"
      try file.setContent([1])
      try file.setOwner(user: 1000, group: 2000)
    }

    /// Which of the three digits of the mode counts for whom.
    @Test(
      arguments: [
        (1000, 1, [], 6), (1001, 2000, [], 3), (1001, 1, [2000], 3), (1000, 2000, [2000], 6), (1001, 1, [], 0),
      ]
        as [(UInt32, UInt32, [UInt32], Int)],
      [0o400, 0o200, 0o100, 0o040, 0o020, 0o010, 0o004, 0o002, 0o001, 0o777, 0o077, 0] as [mode_t])
    func modesCountForThoseTheyAreFor(
      _ who: (user: UInt32, group: UInt32, groups: [UInt32], shift: Int), mode: mode_t
    ) throws {
      try file.setMode(mode)
      let allowed = Int32(mode >> mode_t(who.shift) & 7)
      let caller = try Caller(user: who.user, group: who.group, groups: who.groups)
      for (bit, flags) in [(4, O_RDONLY), (2, O_WRONLY), (6, O_RDWR)] as [(Int32, Int32)] {
        let error = try failure { _ = try caller.run { try file.open(flags) } }
        #expect(error == (allowed & bit == bit ? nil : .accessDenied), "flags \(flags)")
      }
      for bit in [R_OK, W_OK, X_OK] {
        let error = try failure { try caller.run { try file.checkAccess(bit) } }
        #expect(error == (allowed & bit == bit ? nil : .accessDenied), "access \(bit)")
      }
    }

    @Test func rootMayDoAllButExecuteWhatNobodyMay() throws {
      try file.setMode(0)
      _ = try file.open(O_RDWR)
      #expect(throws: Errno.accessDenied) { try file.checkAccess(X_OK) }
      try file.setMode(0o010)
      try file.checkAccess(X_OK)
    }

    /// In a directory with this mode for others.
    @Test(arguments: [0, 1, 2, 3, 4, 5, 6, 7] as [mode_t])
    func directoriesNeedTheirPermissions(mode: mode_t) throws {
      let directory = place / "directory"
      try directory.makeDirectory()
      for name: Path in ["file", "other"] { try (directory / name).setContent([]) }
      try directory.setMode(0o700 | mode)
      let caller = try Caller(user: 1001, group: 1001)
      let attempts: [(mode_t, () throws -> Void)] = [
        (4, { _ = try directory.open(O_RDONLY) }), (1, { _ = try (directory / "file").status() }),
        (1, { _ = try (directory / "file").open(O_RDONLY) }), (3, { try (directory / "new").setContent([]) }),
        (3, { try (directory / "sub").makeDirectory() }), (3, { try (directory / "file").rename(to: directory / "f") }),
        (3, { try (directory / "link").makeSymbolicLink(to: "x") }), (3, { try (directory / "other").unlink() }),
      ]
      for (needed, attempt) in attempts {
        let error = try failure { try caller.run { () throws in try attempt() } }
        #expect(error == (mode & needed == needed ? nil : .accessDenied), "needs \(needed)")
      }
    }

    @Test(arguments: [0o022, 0o077, 0, 0o777] as [mode_t])
    func theUmaskCounts(umask: mode_t) throws {
      try Caller(user: 1000, group: 1000, umask: umask).run {
        _ = try (place / "new").create(mode: 0o6777)
        try (place / "sub").makeDirectory(mode: 0o1777)
        try (place / "pipe").makeNode(mode: S_IFIFO | 0o666)
      }
      #expect(try (place / "new").status().permissions == 0o6777 & ~umask)
      #expect(try (place / "sub").status().permissions == 0o1777 & ~umask)
      #expect(try (place / "pipe").status().permissions == 0o666 & ~umask)
    }

    /// Who may remove, rename and replace what belongs to 1000 in a sticky directory of 1001.
    @Test(arguments: [(0, nil), (1000, nil), (1001, nil), (1002, .notPermitted)] as [(UInt32, Errno?)])
    func stickyDirectoriesKeepWhatIsNotYours(user: UInt32, error: Errno?) throws {
      let directory = place / "sticky"
      try directory.makeDirectory()
      for name: Path in ["a", "b", "c"] {
        try (directory / name).setContent([])
        try (directory / name).setOwner(user: 1000)
      }
      try (directory / "sub").makeDirectory()
      try (directory / "sub").setOwner(user: 1000)
      try directory.setOwner(user: 1001)
      try directory.setMode(0o1777)
      let caller = try Caller(user: user, group: user)
      let attempts: [() throws -> Void] = [
        { try (directory / "a").unlink() }, { try (directory / "sub").removeDirectory() },
        { try (directory / "b").rename(to: directory / "moved") },
        {
          try (directory / "own").setContent([]); try (directory / "own").rename(to: directory / "c")
        },
      ]
      for attempt in attempts { #expect(try failure { try caller.run { () throws in try attempt() } } == error) }
    }

    @Test func aGroupIsHandedDown() throws {
      try (place / "d").makeDirectory()
      try (place / "d").setOwner(group: 2000)
      try (place / "d").setMode(0o2777)
      try Caller(user: 1000, group: 1000).run {
        try (place / "d/file").setContent([])
        try (place / "d/sub").makeDirectory()
        _ = try (place / "d/set").create(mode: 0o2775)
      }
      #expect(try (place / "d/file").status().group == 2000)
      let sub = try (place / "d/sub").status()
      #expect(sub.group == 2000 && sub.permissions == 0o2755)
      #expect(try (place / "d/set").status().permissions & S_ISGID == 0, "1000 is not in the group")
    }

    /// Of a file that belongs to 1000 and its group 1000, by 1000 who is in 2000 too.
    @Test(
      arguments: [
        (1000, nil, nil, nil), (1000, nil, 2000, nil), (1000, nil, 1000, nil), (1000, 1000, 2000, nil),
        (1000, 1001, nil, .notPermitted), (1000, nil, 3000, .notPermitted), (1001, nil, 2000, .notPermitted),
        (1001, 1001, nil, .notPermitted), (0, 5, 6, nil),
      ] as [(UInt32, UInt32?, UInt32?, Errno?)])
    func ownersAreChangedByRootOnly(user: UInt32, newUser: UInt32?, newGroup: UInt32?, error: Errno?) throws {
      try file.setOwner(user: 1000, group: 1000)
      let caller = try Caller(user: user, group: user, groups: [2000])
      #expect(try failure { try caller.run { try file.setOwner(user: newUser, group: newGroup) } } == error)
      let status = try file.status()
      #expect(status.user == (error == nil ? newUser ?? 1000 : 1000))
      #expect(status.group == (error == nil ? newGroup ?? 1000 : 1000))
    }

    @Test func modesAreChangedByTheOwner() throws {
      #expect(throws: Errno.notPermitted) { try Caller(user: 1001, group: 2000).run { try file.setMode(0o777) } }
      try Caller(user: 1000, group: 1).run { try file.setMode(0o7777) }
      #expect(try file.status().permissions == 0o5777, "1000 is not in the group")
      try file.setOwner(user: UInt32.max - 1, group: UInt32.max - 1)
      #expect(try file.status().user == UInt32.max - 1)
    }
  }
}
