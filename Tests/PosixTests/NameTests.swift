import Glibc
import PosixCalls
import SystemIO
import Testing

extension Posix {
  /// What a name, a path and a symbolic link can be.
  @Suite struct NameTests {
    let place: Place
    init() throws { place = try Place() }

    private static let everyByte = (1...255).map { UInt8($0) }.filter { $0 != 0x2f } + [0x61]

    @Test(arguments: [
      everyByte, Array(everyByte.reversed()), [UInt8](repeating: 0xff, count: 255), [UInt8](repeating: 1, count: 255),
      [0x20], [0x0a], [0x5c], [0x2e, 0x2e, 0x2e], [0xc3], [0xc3, 0xa4], [0x61, 0xcc, 0x88],
    ])
    func namesAreAnyBytes(bytes: [UInt8]) throws {
      let name = Path(bytes)
      try (place / name).setContent([1])
      #expect(try place.path.names() == [name])
      #expect(try (place / name).content() == [1])
      try (place / name).rename(to: place / "other")
      try (place / "other").link(to: place / name)
      #expect(throws: Errno.exists) { try (place / name).makeDirectory() }
      try (place / name).unlink()
      try (place / name).makeDirectory()
      try (place / name / name).makeSymbolicLink(to: name)
      #expect(try (place / name / name).readSymbolicLink() == bytes)
      #expect(try (place / name).names() == [name])
    }

    @Test func namesThatLookAlikeAreApart() throws {
      let names: [Path] = ["a", "A", "\u{e4}", "a\u{308}", "a ", " a", "a."]
      for (index, name) in names.enumerated() { try (place / name).setContent([UInt8(index)]) }
      for (index, name) in names.enumerated() { #expect(try (place / name).content() == [UInt8(index)]) }
      #expect(try place.path.names().count == names.count)
    }

    enum Call: CaseIterable, Sendable {
      case open, create, makeDirectory, unlink, removeDirectory, makeNode, makeLink, link, renameTo, renameFrom, status
      case setMode

      func apply(_ path: Path, in place: Place) throws {
        switch self {
        case .open: _ = try path.open(O_RDONLY)
        case .create: _ = try path.create()
        case .makeDirectory: try path.makeDirectory()
        case .unlink: try path.unlink()
        case .removeDirectory: try path.removeDirectory()
        case .makeNode: try path.makeNode(mode: S_IFIFO)
        case .makeLink: try path.makeSymbolicLink(to: "target")
        case .link: try (place / "file").link(to: path)
        case .renameTo: try (place / "file").rename(to: path)
        case .renameFrom: try path.rename(to: place / "new")
        case .status: _ = try path.status()
        case .setMode: try path.setMode(0o644)
        }
      }
    }

    @Test(arguments: Call.allCases) func longerOnesAreRefused(call: Call) throws {
      try (place / "file").setContent([])
      let name = Path([UInt8](repeating: 0x61, count: 256))
      #expect(throws: Errno.nameTooLong) { try call.apply(place / name, in: place) }
      #expect(throws: Errno.nameTooLong) { try call.apply(place / name / "x", in: place) }
      let path = Path([UInt8](repeating: 0x2f, count: 4096) + place.path.bytes)
      #expect(throws: Errno.nameTooLong) { try call.apply(path, in: place) }
      #expect(try place.path.names() == ["file"])
    }

    @Test(arguments: [1, 59, 60, 61, 255, 1000]) func linksAreAsLongAsTheirTarget(count: Int) throws {
      try expectLink(of: count)
    }

    @Test(.needs(.longLinks), arguments: [4000, 4094, 4095]) func linksMayBeLong(count: Int) throws {
      try expectLink(of: count)
    }

    private func expectLink(of count: Int) throws {
      let target = pattern(count)
      try (place / "link").makeSymbolicLink(to: Path(target))
      #expect(try (place / "link").readSymbolicLink() == target)
      let status = try (place / "link").status()
      #expect(status.size == UInt64(count) && status.permissions == 0o777 && status.kind == S_IFLNK)
    }

    @Test func whatIsNoLinkIsRefused() throws {
      let long = Path([UInt8](repeating: 0x61, count: 4096))
      #expect(throws: Errno.nameTooLong) { try (place / "link").makeSymbolicLink(to: long) }
      #expect(throws: Errno.noSuchFile) { try (place / "link").makeSymbolicLink(to: "") }
      #expect(throws: Errno.exists) { try place.path.makeSymbolicLink(to: "x") }
      #expect(throws: Errno.invalidArgument) { try place.path.readSymbolicLink() }
      #expect(throws: Errno.noSuchFile) { try (place / "missing").readSymbolicLink() }
    }

    /// The kernel follows 40 links, and no more.
    @Test func chainsOfLinksEnd() throws {
      try (place / "0").setContent([1])
      for index in 1...41 { try (place / "\(index)").makeSymbolicLink(to: "\(index - 1)") }
      #expect(try (place / "40").content() == [1])
      #expect(throws: Errno(rawValue: ELOOP)) { try (place / "41").content() }
    }

    @Test func directoriesMayBeDeep() throws {
      var directory = try place.path.open(O_RDONLY | O_DIRECTORY)
      let name = Path([UInt8](repeating: 0x64, count: 200))
      for _ in 0..<60 {
        try (directory.path / name).makeDirectory()
        directory = try directory.open(name, O_RDONLY | O_DIRECTORY)
      }
      for _ in 0..<60 { directory = try directory.open("..", O_RDONLY | O_DIRECTORY) }
      #expect(try directory.status().inode == place.path.status().inode)
    }
  }
}
