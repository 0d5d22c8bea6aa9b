import Glibc
import PosixCalls
import SystemIO
import Testing

extension Posix {
  /// Access control lists, acl(5).
  @Suite(.needs(.accessControlLists)) struct AccessControlTests {
    let place: Place
    init() throws { place = try Place() }

    private static let named = AccessControlList([
      .init(.owner, 6), .init(.user, 7, of: 1001), .init(.owningGroup, 4), .init(.group, 5, of: 2002), .init(.mask, 6),
      .init(.other, 1),
    ])

    @Test func aListIsKeptAsItIs() throws {
      let file = place / "file"
      try file.setContent([])
      try file.setAccessControlList(Self.named)
      #expect(try file.accessControlList() == Self.named)
      #expect(try file.status().permissions == 0o661, "the group's permissions are the mask")
      #expect(throws: Errno.noData) { try file.accessControlList(.default) }
    }

    /// Its mask follows the mode, the entry of the owning group does not.
    @Test(arguments: [0o777, 0o600, 0o751, 0o070] as [mode_t])
    func changingTheModeChangesTheMask(mode: mode_t) throws {
      let file = place / "file"
      try file.setContent([])
      try file.setAccessControlList(Self.named)
      try file.setMode(mode)
      var expected = Self.named
      expected.entries[0].permissions = UInt16(mode >> 6 & 7)
      expected.entries[4].permissions = UInt16(mode >> 3 & 7)
      expected.entries[5].permissions = UInt16(mode & 7)
      #expect(try file.accessControlList() == expected)
      #expect(try file.status().permissions == mode)
    }

    /// What says no more than a mode becomes one.
    @Test func aMinimalListIsAMode() throws {
      let file = place / "file"
      try file.setContent([])
      try file.setAccessControlList(Self.named)
      try file.setAccessControlList(.init([.init(.owner, 7), .init(.owningGroup, 5), .init(.other, 0)]))
      #expect(try file.status().permissions == 0o750)
      #expect(throws: Errno.noData) { try file.accessControlList() }
    }

    @Test(arguments: AccessControlList.Role.allCases)
    func removingAListLeavesTheMode(role: AccessControlList.Role) throws {
      let directory = place / "directory"
      try directory.makeDirectory()
      try directory.setAccessControlList(Self.named, role)
      let mode = try directory.status().permissions
      try directory.removeAccessControlList(role)
      #expect(throws: Errno.noData) { try directory.accessControlList(role) }
      #expect(try directory.status().permissions == mode)
      try directory.removeAccessControlList(role)
    }

    /// Permissions that a file with a list gives to whom: owner 1000, group 2000, named user 1001, named group 2002.
    @Test(
      arguments: [
        (1000, 1, [], 6), (1001, 1, [], 6), (1002, 2000, [], 4), (1002, 1, [2000], 4), (1002, 2002, [], 4),
        (1002, 1, [2002], 4), (1002, 1, [], 1), (1000, 2002, [2000], 6), (1001, 2000, [2002], 6),
      ] as [(UInt32, UInt32, [UInt32], Int32)])
    func permissionsAreThoseOfTheEntry(user: UInt32, group: UInt32, groups: [UInt32], allowed: Int32) throws {
      let file = place / "file"
      try file.setContent([])
      try file.setOwner(user: 1000, group: 2000)
      try file.setAccessControlList(Self.named)
      let caller = try Caller(user: user, group: group, groups: groups)
      for (permission, flags) in [(4, O_RDONLY), (2, O_WRONLY)] as [(Int32, Int32)] {
        let refused = try failure { _ = try caller.run { try file.open(flags) } }
        #expect(refused == (allowed & permission != 0 ? nil : .accessDenied), "permission \(permission)")
      }
      let refused = try failure { try caller.run { try file.checkAccess(X_OK) } }
      #expect(refused == (allowed & 1 != 0 ? nil : .accessDenied))
    }

    struct Inheritance: Sendable, CustomTestStringConvertible {
      var kind: Kind
      var mode: mode_t
      /// The mask that the new object gets, and so the group's permissions.
      var result: mode_t
      var testDescription: String { "\(kind) \(String(mode, radix: 8))" }
    }

    /// The caller's umask, 077, counts for nothing where there is a default list.
    @Test(
      arguments: [
        .init(kind: .file, mode: 0o666, result: 0o660), .init(kind: .file, mode: 0o600, result: 0o600),
        .init(kind: .file, mode: 0o4777, result: 0o4661), .init(kind: .directory, mode: 0o777, result: 0o661),
        .init(kind: .directory, mode: 0o700, result: 0o600), .init(kind: .pipe, mode: 0o644, result: 0o640),
      ] as [Inheritance])
    func newObjectsInheritTheDefaultList(_ example: Inheritance) throws {
      let (parent, new) = (place / "parent", place / "parent/new")
      try parent.makeDirectory()
      try parent.setMode(0o777)
      try parent.setAccessControlList(Self.named, .default)
      try Caller(user: 1000, group: 1000, umask: 0o077).run {
        switch example.kind {
        case .directory: try new.makeDirectory(mode: example.mode)
        case .pipe: try new.makeNode(mode: S_IFIFO | example.mode)
        default: _ = try new.create(mode: example.mode)
        }
      }
      var expected = Self.named
      expected.entries[0].permissions &= UInt16(example.mode >> 6 & 7)
      expected.entries[4].permissions &= UInt16(example.mode >> 3 & 7)
      expected.entries[5].permissions &= UInt16(example.mode & 7)
      #expect(try new.accessControlList() == expected)
      #expect(try new.status().permissions == example.result)
      if example.kind.isDirectory {
        #expect(try new.accessControlList(.default) == Self.named)
      } else {
        #expect(throws: Errno.noData) { try new.accessControlList(.default) }
      }
    }

    @Test func aMinimalDefaultListReplacesTheMask() throws {
      try place.path.setAccessControlList(
        .init([.init(.owner, 7), .init(.owningGroup, 6), .init(.other, 4)]), .default)
      try Caller(user: 1000, group: 1000, umask: 0o077).run {
        try (place / "directory").makeDirectory(mode: 0o777)
        _ = try (place / "file").create(mode: 0o666)
        _ = try place.path.open(O_RDWR | OpenFlag.temporary, mode: 0o666).link(to: place / "late")
      }
      #expect(try (place / "directory").status().permissions == 0o764)
      #expect(try (place / "file").status().permissions == 0o664)
      #expect(try (place / "late").status().permissions == 0o664)
      #expect(throws: Errno.noData) { try (place / "file").accessControlList() }
    }

    @Test func linksHaveNoList() throws {
      try Kind.danglingLink.make(place / "link")
      try place.path.setAccessControlList(Self.named, .default)
      #expect(throws: Errno.notSupported) { try (place / "link").setAccessControlList(Self.named) }
      #expect(throws: Errno.notSupported) { try (place / "link").accessControlList() }
    }

    @Test(
      arguments: [
        ([2, 0], .invalidArgument), ([2, 0, 0, 0, 1], .invalidArgument), ([3, 0, 0, 0], .notSupported),
      ] as [([UInt8], Errno)])
    func whatIsNoListIsRefused(bytes: [UInt8], error: Errno) throws {
      try Kind.file.make(place / "file")
      #expect(throws: error) {
        try (place / "file").setAttribute(AccessControlList.Role.access.rawValue, to: bytes)
      }
    }

    @Test(
      arguments: [
        [.init(.owner, 7), .init(.other, 7)], [.init(.owner, 7), .init(.owningGroup, 7)],
        [.init(.owner, 7), .init(.user, 7, of: 5), .init(.owningGroup, 7), .init(.other, 7)],
        [.init(.owningGroup, 7), .init(.owner, 7), .init(.other, 7)],
        [.init(.owner, 8), .init(.owningGroup, 7), .init(.other, 7)],
        [.init(.owner, 7), .init(.owner, 7), .init(.owningGroup, 7), .init(.other, 7)],
      ] as [[AccessControlList.Entry]])
    func aListThatMakesNoSenseIsRefused(entries: [AccessControlList.Entry]) throws {
      try Kind.file.make(place / "file")
      #expect(throws: Errno.invalidArgument) { try (place / "file").setAccessControlList(.init(entries)) }
    }

    @Test func onlyDirectoriesHaveADefaultList() throws {
      try Kind.file.make(place / "file")
      #expect(throws: Errno.accessDenied) { try (place / "file").setAccessControlList(Self.named, .default) }
    }

    @Test func onlyTheOwnerMayChangeIt() throws {
      try Kind.file.make(place / "file")
      try (place / "file").setMode(0o666)
      let caller = try Caller(user: 1000, group: 1000)
      #expect(throws: Errno.notPermitted) { try caller.run { try (place / "file").setAccessControlList(Self.named) } }
      #expect(throws: Errno.notPermitted) { try caller.run { try (place / "file").removeAccessControlList() } }
      try (place / "file").setOwner(user: 1000)
      try caller.run { try (place / "file").setAccessControlList(Self.named) }
    }

    @Test(arguments: [50, 120, 200], AccessControlList.Role.allCases)
    func listsMayBeLong(count: UInt32, role: AccessControlList.Role) throws {
      try expectList(of: count, role)
    }

    @Test(.needs(.largeAttributes), arguments: AccessControlList.Role.allCases)
    func listsMayFillAPage(role: AccessControlList.Role) throws { try expectList(of: 506, role) }

    private func expectList(of count: UInt32, _ role: AccessControlList.Role) throws {
      var list = Self.named
      list.entries.replaceSubrange(
        1..<2, with: (1...count).map { .init(.user, UInt16($0 % 8), of: $0 * 1000) })
      let directory = place / "directory"
      try directory.makeDirectory()
      try directory.setAccessControlList(list, role)
      #expect(try directory.accessControlList(role) == list)
      try directory.setMode(0o4700)
      try (directory / "new").makeDirectory()
      if role == .default { #expect(try (directory / "new").accessControlList(.default) == list) }
      if role == .default { #expect(try (directory / "new").accessControlList().entries.count == list.entries.count) }
    }
  }
}
