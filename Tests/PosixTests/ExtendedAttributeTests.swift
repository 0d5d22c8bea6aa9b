import Glibc
import PosixCalls
import SystemIO
import Testing

extension Posix {
  /// Extended attributes, xattr(7).
  @Suite struct ExtendedAttributeTests {
    let place: Place
    let file: Path

    init() throws {
      place = try Place()
      file = place / "file"
      try file.setContent([])
    }

    @Test(arguments: ["user.", "trusted.", "security."], [0, 1, 100, 2000, 3500])
    func valuesAreKept(namespace: String, size: Int) throws {
      let name = namespace + "name"
      try file.setAttribute(name, to: pattern(size))
      #expect(try file.attribute(name) == pattern(size))
      #expect(try file.attributeSize(name) == size)
      #expect(try file.attributeNames() == [name])
      try file.removeAttribute(name)
      #expect(throws: Errno.noData) { try file.attribute(name) }
      #expect(try file.attributeNames() == [])
    }

    @Test(.needs(.largeAttributes), arguments: ["user.", "trusted.", "security."], [4096, 40000, 65535, 65536])
    func valuesMayBeLarge(namespace: String, size: Int) throws {
      for name in ["a", "b"] { try file.setAttribute(namespace + name, to: pattern(size, seed: Int(name.utf8.first!))) }
      for name in ["a", "b"] {
        #expect(try file.attribute(namespace + name) == pattern(size, seed: Int(name.utf8.first!)))
      }
      try file.setAttribute(namespace + "a", to: [1])
      #expect(try file.attribute(namespace + "a") == [1])
      #expect(try file.attributeNames() == [namespace + "a", namespace + "b"])
    }

    @Test(arguments: [Kind.file, .directory, .link, .pipe, .socket, .device])
    func everyKindOfFileHasTrustedOnes(kind: Kind) throws {
      let path = place / "object"
      try kind.make(path)
      try path.setAttribute("trusted.name", to: [1, 2])
      #expect(try path.attribute("trusted.name") == [1, 2])
      let hasUsers = kind == .file || kind == .directory
      #expect(
        try failure { try path.setAttribute("user.name", to: [3]) } == (hasUsers ? nil : .notPermitted))
    }

    @Test func conditionsAreObeyed() throws {
      #expect(throws: Errno.noData) { try file.setAttribute("user.name", to: [1], .replace) }
      try file.setAttribute("user.name", to: [1], .create)
      #expect(throws: Errno.exists) { try file.setAttribute("user.name", to: [2], .create) }
      #expect(try file.attribute("user.name") == [1])
      try file.setAttribute("user.name", to: [3], .replace)
      #expect(try file.attribute("user.name") == [3])
      try file.setAttribute("user.name", to: [])
      #expect(try file.attribute("user.name") == [])
    }

    @Test(
      arguments: [
        ("", .outOfRange), ("user.", .invalidArgument), ("user", .notSupported), ("other.name", .notSupported),
        ("system.unknown", .notSupported), ("trusted.", .invalidArgument),
        ("user." + String(repeating: "x", count: 251), .outOfRange),
      ] as [(String, Errno)])
    func badNamesAreRefused(name: String, error: Errno) throws {
      #expect(throws: error) { try file.setAttribute(name, to: [1]) }
      #expect(throws: error) { try file.removeAttribute(name) }
      #expect(throws: error) { try file.attribute(name) }
    }

    @Test func namesMayBeLong() throws {
      let name = "user." + String(repeating: "x", count: 250)
      try file.setAttribute(name, to: [1])
      #expect(try file.attributeNames() == [name])
    }

    @Test func sizesAreChecked() throws {
      try file.setAttribute("user.name", to: [1, 2, 3, 4, 5])
      #expect(throws: Errno.outOfRange) { try file.attributeSize("user.name", capacity: 4) }
      #expect(try file.attributeSize("user.name", capacity: 5) == 5)
      #expect(throws: Errno.argumentListTooLong) { try file.setAttribute("user.name", to: pattern(65537)) }
      #expect(throws: Errno.noData) { try file.removeAttribute("user.missing") }
      #expect(throws: Errno.noSuchFile) { try (place / "missing").attribute("user.name") }
    }

    @Test func manyAreListed() throws {
      let names = (0..<60).map { "user.attribute-\($0)" }
      for name in names { try file.setAttribute(name, to: Array(name.utf8)) }
      #expect(try file.attributeNames() == Set(names))
      for name in names { #expect(try file.attribute(name) == Array(name.utf8)) }
      for name in names[..<50] { try file.removeAttribute(name) }
      #expect(try file.attributeNames() == Set(names[50...]))
    }

    @Test func openFilesHaveThem() throws {
      let open = try file.open(O_RDONLY)
      try open.setAttribute("user.name", to: [1])
      #expect(try open.attribute("user.name") == [1])
      try file.unlink()
      try open.setAttribute("user.other", to: [2])
      #expect(try open.attributeNames() == ["user.name", "user.other"])
      try open.removeAttribute("user.name")
      #expect(try open.attributeNames() == ["user.other"])
    }

    @Test func changingThemChangesTheTimeOfChange() throws {
      try file.setTimes(accessed: .at(.init(1)), modified: .at(.init(2)))
      let before = try file.status()
      awaitTick()
      try file.setAttribute("user.name", to: [1])
      let after = try file.status()
      #expect(after.modified == before.modified && after.accessed == before.accessed && after.changed > before.changed)
    }

    struct Attempt: Sendable, CustomTestStringConvertible {
      var name: String
      var mode: mode_t
      var read: Errno?
      var write: Errno?
      var testDescription: String { "\(name) of \(String(mode, radix: 8))" }
    }

    /// By somebody who neither owns the file nor is root.
    @Test(
      arguments: [
        .init(name: "user.name", mode: 0o666), .init(name: "user.name", mode: 0o644, write: .accessDenied),
        .init(name: "user.name", mode: 0o622, read: .accessDenied),
        .init(name: "trusted.name", mode: 0o666, read: .noData, write: .notPermitted),
        .init(name: "security.name", mode: 0o600, write: .notPermitted),
      ] as [Attempt])
    func permissionsAreChecked(_ attempt: Attempt) throws {
      try file.setAttribute(attempt.name, to: [1])
      try file.setMode(attempt.mode)
      let caller = try Caller(user: 1000, group: 1000)
      try caller.run { () throws in
        #expect(try failure { _ = try file.attribute(attempt.name) } == attempt.read)
        #expect(try failure { try file.setAttribute(attempt.name, to: [2]) } == attempt.write)
        #expect(try failure { try file.removeAttribute(attempt.name) } == attempt.write)
        let isListed = !attempt.name.hasPrefix("trusted.") && attempt.write != nil
        #expect(try file.attributeNames() == (isListed ? [attempt.name] : []))
      }
    }

    @Test func othersMaySetNoneOnAStickyDirectory() throws {
      try (place / "sticky").makeDirectory()
      try (place / "sticky").setMode(0o1777)
      let caller = try Caller(user: 1000, group: 1000)
      #expect(throws: Errno.notPermitted) {
        try caller.run { try (place / "sticky").setAttribute("user.name", to: [1]) }
      }
    }
  }
}
