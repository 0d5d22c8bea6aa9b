import Glibc
import PosixCalls
import SystemIO
import TestSupport
import Testing

extension Posix {
  /// When a file loses its set-user-ID and set-group-ID bits and its capabilities.
  @Suite struct PrivilegeTests {
    let place: Place
    let path: Path

    init() throws {
      place = try Place()
      path = place / "file"
    }

    struct Actor: Sendable, CustomTestStringConvertible {
      var testDescription: String
      var user: UInt32
      var group: UInt32
    }

    static let root = Actor(testDescription: "root", user: 0, group: 0)
    static let owner = Actor(testDescription: "owner", user: 1000, group: 1000)
    static let stranger = Actor(testDescription: "stranger", user: 1001, group: 1001)
    /// Set-group-ID means something else where the group may not execute: inode(7). The mode without such bits is that
    /// of a file with capabilities instead.
    static let modes: [mode_t] = [0o6777, 0o6767, 0o2777, 0o4767, 0o777]

    private func prepare(mode: mode_t) throws {
      try path.setContent(pattern(200_000))
      try (place / "other").setContent(pattern(100))
      try path.setOwner(user: 1000, group: 1000)
      if mode == 0o777 {
        try path.setAttribute("security.capability", to: [1, 0, 0, 2, 0, 4] + [UInt8](repeating: 0, count: 14))
      }
      try path.setMode(mode)
    }

    private var hasCapabilities: Bool { (try? path.attribute("security.capability")) != nil }

    @Test(arguments: PrivilegedChange.ofContent.filter(\.isThere), [root, owner, stranger])
    func aChangeOfContentTakesThem(change: PrivilegedChange, actor: Actor) throws {
      for mode in Self.modes {
        try prepare(mode: mode)
        try Caller(user: actor.user, group: actor.group).run { () throws in try change.apply(to: path, in: place) }
        var expected = mode
        if actor.user != 0 {
          expected &= ~S_ISUID
          if mode & S_IXGRP != 0 || actor.group != 1000 { expected &= ~S_ISGID }
        }
        let found = try path.status().permissions
        #expect(found == expected, "\(String(mode, radix: 8)) became \(String(found, radix: 8))")
        #expect(!hasCapabilities)
      }
    }

    @Test(arguments: PrivilegedChange.ofOwner, [root, owner])
    func aChangeOfOwnerTakesThem(change: PrivilegedChange, actor: Actor) throws {
      for mode in Self.modes {
        try prepare(mode: mode)
        try Caller(user: actor.user, group: actor.group).run { () throws in try change.apply(to: path, in: place) }
        let expected = mode & ~S_ISUID & (mode & S_IXGRP != 0 ? ~S_ISGID : .max)
        let found = try path.status().permissions
        #expect(found == expected, "\(String(mode, radix: 8)) became \(String(found, radix: 8))")
        #expect(!hasCapabilities)
      }
    }

    @Test(arguments: PrivilegedChange.harmless.filter(\.isThere), [root, owner])
    func otherChangesLeaveThem(change: PrivilegedChange, actor: Actor) throws {
      for mode in Self.modes {
        try prepare(mode: mode)
        try Caller(user: actor.user, group: actor.group).run { () throws in try change.apply(to: path, in: place) }
        #expect(try path.status().permissions == mode)
        #expect(hasCapabilities == (mode == 0o777))
      }
    }

    /// Who does not belong to the file's group may not give its rights away.
    @Test(
      .needs(.accessControlLists),
      arguments: [(1000, [], false), (1000, [2000], true), (0, [], true)] as [(UInt32, [UInt32], Bool)])
    func onlyMembersGiveAwayTheRightsOfAGroup(user: UInt32, groups: [UInt32], isKept: Bool) throws {
      let caller = try Caller(user: user, group: user, groups: groups)
      for setsList in [false, true] {
        try prepare(mode: 0o2777)
        try path.setOwner(group: 2000)
        try path.setMode(0o2777)
        try caller.run { () throws in
          if setsList { try PrivilegedChange.setList.apply(to: path, in: place) } else { try path.setMode(0o2777) }
        }
        #expect(try path.status().permissions == (isKept ? 0o2777 : 0o777), "list: \(setsList)")
      }
    }

    @Test func directoriesKeepThem() throws {
      let directory = place / "directory"
      try directory.makeDirectory()
      try directory.setMode(0o6755)
      try directory.setOwner(user: 1000, group: 1000)
      #expect(try directory.status().permissions == 0o6755)
    }

    @Test func setUserProgramsWork() throws {
      let (id, result) = (place / "id", place / "result")
      try id.setContent(try Path("/usr/bin/id").content(), mode: 0o755)
      try id.setMode(0o4755)
      let code = try Caller(user: 1000, group: 1000).run { shell("\(id) -u > \(result)").code }
      #expect(code == 0)
      #expect(try result.content() == Array("0\n".utf8))
    }
  }
}

/// What is done to a file of 200,000 bytes.
enum PrivilegedChange: String, CaseIterable, Sendable {
  case write, writeAt, append, truncate, truncateOpen, truncateToItsSize, truncatingOpen
  case allocate, allocateInside, punch, zero, collapse, insert, copyInto
  case chown, chownGroup, chownNothing
  case writeNothing, mappedStore, chmod, setTimes, setAttribute, setList, link, read

  static let ofContent: [Self] = [
    .write, .writeAt, .append, .truncate, .truncateOpen, .truncateToItsSize, .truncatingOpen, .allocate,
    .allocateInside, .punch, .zero, .collapse, .insert, .copyInto,
  ]
  static let ofOwner: [Self] = [.chown, .chownGroup, .chownNothing]
  static let harmless = allCases.filter { !ofContent.contains($0) && !ofOwner.contains($0) }

  /// Whether the file system can do it.
  var isThere: Bool {
    switch self {
    case .zero: Feature.zero.isThere
    case .collapse: Feature.collapse.isThere
    case .insert: Feature.insert.isThere
    case .setList: Feature.accessControlLists.isThere
    default: true
    }
  }

  /// - Parameter place: holds another file, `other`.
  func apply(to path: Path, in place: Place) throws {
    let file = try path.open(O_RDWR)
    switch self {
    case .write: try file.write([1])
    case .writeAt: try file.write([1], at: 100_000)
    case .append: try file.append([1])
    case .truncate: try path.truncate(to: 10)
    case .truncateOpen: try file.truncate(to: 300_000)
    case .truncateToItsSize: try file.truncate(to: 200_000)
    case .truncatingOpen: _ = try path.open(O_WRONLY | O_TRUNC)
    case .allocate: try file.allocate(at: 0, count: 400_000)
    case .allocateInside: try file.allocate(.keepSize, at: 0, count: 10)
    case .punch: try file.allocate([.punch, .keepSize], at: 0, count: 10)
    case .zero: try file.allocate(.zero, at: 0, count: 10)
    case .collapse: try file.allocate(.collapse, at: 0, count: 65536)
    case .insert: try file.allocate(.insert, at: 0, count: 65536)
    case .copyInto: try (place / "other").open(O_RDONLY).copy(at: 0, count: 10, to: file, at: 0)
    case .chown: try path.setOwner(user: try path.status().user)
    case .chownGroup: try path.setOwner(group: try path.status().group)
    case .chownNothing: try path.setOwner()
    case .writeNothing: try file.write([])
    case .mappedStore: try Mapping(file, count: 4096)[0] = 1
    case .chmod: try path.setMode(try path.status().permissions)
    case .setTimes: try path.setTimes(accessed: .now, modified: .now)
    case .setAttribute: try path.setAttribute("user.name", to: [1])
    case .setList:
      let permissions = try path.status().permissions
      try path.setAccessControlList(
        .init([
          .init(.owner, 7), .init(.user, 7, of: 9), .init(.owningGroup, 7),
          .init(.mask, UInt16(permissions >> 3 & 7)), .init(.other, 7),
        ]))
    case .link:
      try path.link(to: place / "link")
      try (place / "link").unlink()
    case .read: _ = try file.read(10)
    }
  }
}
