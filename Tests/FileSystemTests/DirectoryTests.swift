import Store
import SystemIO
import TestSupport
import Testing

@testable import FileSystem

/// Reading directories while they change.
@Suite struct DirectoryTests {
  private let fixture: Fixture
  private var files: FileSystem { fixture.files }

  init() throws { fixture = try Fixture() }

  /// Up to `count` entries behind a cookie.
  private func read(_ directory: InodeNumber, after cookie: UInt64, _ count: Int) throws -> [DirectoryEntry] {
    var entries: [DirectoryEntry] = []
    try files.readdir(directory, after: cookie) { entry in
      entries.append(entry)
      return entries.count < count
    }
    return entries
  }

  @Test(arguments: [UInt64](1...3))
  func whatIsThereAllTheTimeIsGivenOnce(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    let directory = try files.mkdir(1, Array("d".utf8), mode: 0o755, Fixture.user).inode
    let stable = Set((0..<400).map { Array("stable \($0)".utf8) })
    var others: Set<[UInt8]> = []
    for name in stable { _ = try files.mknod(directory, name, mode: 0o100600, device: 0, Fixture.user) }
    var seen: [[UInt8]: Int] = [:]
    var cookie: UInt64 = 0
    var step = 0
    while true {
      let entries = try read(directory, after: cookie, Int.random(in: 1...300, using: &random))
      guard let last = entries.last else { break }
      for entry in entries { seen[entry.name, default: 0] += 1 }
      #expect(entries.allSatisfy { $0.cookie > cookie }, "seed \(seed)")
      cookie = last.cookie
      for _ in 0..<20 {
        step += 1
        if random.oneIn(2), let name = others.randomElement(using: &random) {
          try files.unlink(directory, name)
          others.remove(name)
        } else {
          let name = Array("other \(step)".utf8)
          _ = try files.mknod(directory, name, mode: 0o100600, device: 0, Fixture.user)
          others.insert(name)
        }
      }
    }
    #expect(stable.allSatisfy { seen[$0] == 1 }, "seed \(seed)")
    #expect(seen[[0x2e]] == 1 && seen[[0x2e, 0x2e]] == 1)
    #expect(try fixture.problems == [])
  }

  @Test func aCookieStaysWhereItIs() throws {
    for number in 0..<50 { _ = try fixture.makeFile("f\(number)") }
    let all = try read(1, after: 0, .max)
    #expect(all.count == 52)
    for (index, entry) in all.enumerated() {
      #expect(try read(1, after: entry.cookie, .max) == Array(all[(index + 1)...]))
    }
    #expect(try read(1, after: .max, .max).isEmpty)
    let again = try fixture.reopened()
    withExtendedLifetime(again.store) {}
    var names: [DirectoryEntry] = []
    try again.files.readdir(1, after: 0) { entry in
      names.append(entry)
      return true
    }
    #expect(names == all, "cookies survive a new start")
  }

  /// All 256 places of one hash can't be filled by hand; that a removed name's place is taken again can be seen.
  @Test func aNameThatComesAgainHasItsCookieAgain() throws {
    _ = try fixture.makeFile("name")
    let cookie = try read(1, after: 2, 1)[0].cookie
    try files.unlink(1, Array("name".utf8))
    _ = try fixture.makeFile("name")
    #expect(try read(1, after: 2, 1)[0].cookie == cookie)
  }

  /// A handle of a file whose last name was gone could be opened until the kernel's notice of it came.
  @Test func dotsLeadToWhatHasAName() throws {
    let (dot, dots, name) = (Array(".".utf8), Array("..".utf8), Array("d".utf8))
    let directory = try files.mkdir(1, name, mode: 0o755, Fixture.user).inode
    let file = try files.mknod(directory, name, mode: 0o100600, device: 0, Fixture.user).inode
    #expect(try files.lookup(file, dot).inode == file)
    #expect(try files.lookup(directory, dots).inode == 1)
    files.retain(file)
    files.retain(directory)
    try files.unlink(directory, name)
    try files.rmdir(1, name)
    #expect(throws: Errno.stale) { try files.lookup(file, dot) }
    #expect(throws: Errno.stale) { try files.lookup(directory, dot) }
  }

  @Test func aFileIsNoDirectory() throws {
    let inode = try fixture.makeFile("file")
    #expect(throws: Errno.notDirectory) { try read(inode, after: 0, 1) }
    #expect(throws: Errno.notDirectory) { try files.mkdir(inode, [1], mode: 0o755, Fixture.user) }
  }

  @Test func aRemovedDirectoryTakesNoNames() throws {
    let directory = try files.mkdir(1, Array("d".utf8), mode: 0o755, Fixture.user).inode
    let file = try fixture.makeFile("file")
    files.retain(directory)
    try files.rmdir(1, Array("d".utf8))
    #expect(throws: Errno.noSuchFile) { try files.mkdir(directory, [1], mode: 0o755, Fixture.user) }
    #expect(throws: Errno.noSuchFile) { try files.link(file, directory, [1]) }
    #expect(throws: Errno.noSuchFile) { try files.rename(1, Array("file".utf8), to: directory, [1], Fixture.user) }
    #expect(try read(directory, after: 0, .max).count == 2)
    try files.release(directory)
    #expect(throws: Errno.stale) { try files.getattr(directory) }
    #expect(try fixture.problems == [])
  }
}
