import Glibc
import PosixCalls
import SystemIO
import Testing

extension Posix {
  /// Times of files.
  @Suite struct TimeTests {
    let place: Place
    let file: Path

    init() throws {
      place = try Place()
      file = place / "file"
      try file.setContent([1])
    }

    /// 1901, just before 1970, 1970, 2038, 2106, 2446.
    @Test(arguments: [
      FileTime(-0x8000_0000), FileTime(-1, 1), FileTime(-1, 999_999_999), FileTime(0), FileTime(0, 1),
      FileTime(0x7fff_ffff, 999_999_999), FileTime(0x8000_0000, 5), FileTime(0xffff_ffff, 7), FileTime(0x1_0000_0000),
      FileTime(0x3_7fff_fffe, 123_456_789),
    ])
    func timesAreKeptToTheNanosecond(time: FileTime) throws { try expectKept(time) }

    /// The years 1 and 9999.
    @Test(.needs(.farTimes), arguments: [FileTime(-62_135_596_800, 1), FileTime(253_402_300_799, 999_999_999)])
    func timesMayBeFarAway(time: FileTime) throws { try expectKept(time) }

    private func expectKept(_ time: FileTime) throws {
      let other = FileTime(time.seconds / 2, 42)
      try file.setTimes(accessed: .at(time), modified: .at(other))
      var status = try file.status()
      #expect(status.accessed == time && status.modified == other)
      try file.setTimes(accessed: .omit, modified: .at(time))
      status = try file.status()
      #expect(status.accessed == time && status.modified == time)
      try Kind.danglingLink.make(place / "link")
      try (place / "link").setTimes(accessed: .at(other), modified: .at(time))
      #expect(try (place / "link").status().modified == time)
    }

    @Test func nowIsNowAndOmittedIsLeft() throws {
      try file.setTimes(accessed: .at(.init(1)), modified: .at(.init(2)))
      let before = try file.status()
      awaitTick()
      try file.setTimes(accessed: .omit, modified: .now)
      let after = try file.status()
      #expect(after.accessed == .init(1) && after.modified == after.changed && after.changed > before.changed)
      try file.setTimes(accessed: .omit, modified: .omit)
      #expect(try file.status() == after, "nothing was asked for")
      try file.open(O_RDONLY).setTimes(accessed: .now, modified: .omit)
      #expect(try file.status().accessed > after.accessed)
      #expect(throws: Errno.invalidArgument) {
        try file.setTimes(accessed: .at(.init(0, 1_000_000_000)), modified: .omit)
      }
    }

    struct Attempt: Sendable, CustomTestStringConvertible {
      var user: UInt32
      var mode: mode_t
      var accessed: NewTime
      var modified: NewTime
      var error: Errno?
      var testDescription: String { "\(user) \(String(mode, radix: 8)) \(accessed) \(modified)" }
    }

    /// Of a file that belongs to user 1000.
    @Test(
      arguments: [
        .init(user: 1000, mode: 0, accessed: .at(.init(5)), modified: .at(.init(6))),
        .init(user: 1000, mode: 0, accessed: .now, modified: .now),
        .init(user: 1001, mode: 0o666, accessed: .now, modified: .now),
        .init(user: 1001, mode: 0o444, accessed: .now, modified: .now, error: .accessDenied),
        .init(user: 1001, mode: 0o666, accessed: .at(.init(5)), modified: .at(.init(6)), error: .notPermitted),
        .init(user: 1001, mode: 0o666, accessed: .now, modified: .omit, error: .notPermitted),
        .init(user: 1001, mode: 0o666, accessed: .omit, modified: .now, error: .notPermitted),
        .init(user: 1001, mode: 0, accessed: .omit, modified: .omit),
        .init(user: 0, mode: 0, accessed: .at(.init(5)), modified: .now),
      ] as [Attempt])
    func onlySomeMaySetThem(_ attempt: Attempt) throws {
      try file.setOwner(user: 1000, group: 1000)
      try file.setMode(attempt.mode)
      let caller = try Caller(user: attempt.user, group: attempt.user)
      let error = try failure {
        try caller.run { try file.setTimes(accessed: attempt.accessed, modified: attempt.modified) }
      }
      #expect(error == attempt.error)
    }

    /// What marks which times of the file (`amc`) and of its directory (`AMC`).
    @Test(arguments: [
      ("write", "mc"), ("truncate", "mc"), ("chmod", "c"), ("chown", "c"), ("attribute", "c"), ("rename", "cMC"),
      ("link", "cMC"), ("unlink", "cMC"), ("create", "MC"), ("mkdir", "MC"), ("symlink", "MC"), ("replace", "cMC"),
      ("open", ""), ("stat", ""), ("list", ""), ("nothing", ""), ("truncateToItsSize", "mc"),
    ])
    func changesMarkTimes(change: String, expected: String) throws {
      let keep = try file.open(O_RDWR)
      let directory = place / "directory"
      try directory.makeDirectory()
      let inside = directory / "file"
      try file.rename(to: inside)
      let past = NewTime.at(FileTime(1_000_000, 1))
      for path in [inside, directory] { try path.setTimes(accessed: past, modified: past) }
      let before = (try keep.status(), try directory.status())
      awaitTick()
      try apply(change, to: inside, in: directory)
      let after = (try keep.status(), try directory.status())
      #expect(marks(before.0, after.0) + marks(before.1, after.1).uppercased() == expected)
    }

    private func apply(_ change: String, to path: Path, in directory: Path) throws {
      switch change {
      case "write": try path.open(O_WRONLY).write([1])
      case "truncate": try path.truncate(to: 100)
      case "truncateToItsSize": try path.truncate(to: 1)
      case "chmod": try path.setMode(0o600)
      case "chown": try path.setOwner(user: 5)
      case "attribute": try path.setAttribute("user.name", to: [1])
      case "rename": try path.rename(to: directory / "new")
      case "link": try path.link(to: directory / "new")
      case "unlink": try path.unlink()
      case "create": _ = try (directory / "new").create()
      case "mkdir": try (directory / "new").makeDirectory()
      case "symlink": try (directory / "new").makeSymbolicLink(to: "x")
      case "replace":
        try (place / "other").setContent([])
        try (place / "other").rename(to: path)
      case "open": _ = try path.open(O_RDWR)
      case "stat": _ = try path.status()
      case "list": _ = try path.attributeNames()
      default: try path.open(O_WRONLY).write([])
      }
    }

    private func marks(_ before: Status, _ after: Status) -> String {
      (before.accessed != after.accessed ? "a" : "") + (before.modified != after.modified ? "m" : "")
        + (before.changed != after.changed ? "c" : "")
    }

    @Test func storingToAMappingMarksTheFile() throws {
      try file.setContent(pattern(4096))
      let past = NewTime.at(FileTime(1_000_000))
      try file.setTimes(accessed: past, modified: past)
      let before = try file.status()
      awaitTick()
      let mapping = try Mapping(try file.open(O_RDWR), count: 4096)
      mapping[5] = 9
      try mapping.synchronize()
      let after = try file.status()
      #expect(after.modified > before.modified && after.changed > before.changed)
    }

    @Test func timesOfNewFilesAreNow() throws {
      let now = Int64(time(nil))
      try (place / "new").setContent([])
      let status = try (place / "new").status()
      // The kernel's clock for files may be a tick behind.
      let earliest = FileTime(now - 1)
      for time in [status.accessed, status.modified, status.changed] {
        #expect(time > earliest && time < FileTime(now + 60))
      }
      #expect(status.born.map { $0 > earliest } != false)
    }
  }
}
