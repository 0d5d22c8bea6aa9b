import Ledger
import SystemIO
import TestSupport
import Testing

@testable import FileSystem
@testable import Store

/// copy_file_range between files of one fork: blocks are shared where whole pages allow it.
@Suite struct CopyRangeTests {
  private let fixture: Fixture
  private var files: FileSystem { fixture.files }

  init() throws { fixture = try Fixture() }

  private func makeFile(_ name: String, _ content: [UInt8]) throws -> UInt64 {
    let inode = try fixture.makeFile(name)
    try files.write(inode, at: 0, content)
    return inode
  }

  /// Copies until nothing is left, as copy_file_range(2) is used; returns in how many calls.
  private func copyAll(_ source: UInt64, to target: UInt64) throws -> Int {
    var offset: UInt64 = 0
    var calls = 0
    while true {
      let copied = try files.copyFileRange(source, at: offset, to: target, at: offset, length: 1 << 40)
      if copied == 0 { return calls }
      offset += copied
      calls += 1
    }
  }

  /// The page in which both files end is shared as well.
  @Test(arguments: [1, 4095, 4096, 4097, 300_000])
  func aWholeFileIsCopiedWithoutNewBlocks(size: Int) throws {
    var random = SeededRandom(seed: UInt64(size))
    let content = random.bytes(size)
    let source = try makeFile("source", content)
    let target = try fixture.makeFile("target")
    let before = fixture.store.ledger.position
    #expect(try copyAll(source, to: target) == 1)
    #expect(fixture.store.ledger.bytes(since: before) < 1000)
    #expect(try files.contents(target) == content)
    #expect(try files.getattr(target).blocks == files.getattr(source).blocks)
    try files.setSize(target, UInt64(size) + 5000)
    #expect(try files.contents(target) == content + [UInt8](repeating: 0, count: 5000))
    #expect(try fixture.problems == [])
  }

  /// The end of a file that is copied over the middle of another leaves what is behind it.
  @Test func whatIsBehindTheCopyStays() throws {
    var random = SeededRandom(seed: 1)
    let (short, long) = (random.bytes(5000), random.bytes(20_000))
    let source = try makeFile("source", short)
    let target = try makeFile("target", long)
    _ = try copyAll(source, to: target)
    #expect(try files.contents(target) == short + long[5000...])
  }

  /// A record of very many extents once was longer than a record may be, which ended the process.
  @Test func aFileInVeryManyExtentsIsCopiedInParts() throws {
    let source = try fixture.makeFile("source")
    let pages = 20_000
    for page in stride(from: 0, to: pages, by: 2) {
      try files.write(source, at: UInt64(page) * 4096, withUnsafeBytes(of: UInt64(page + 1)) { Array($0) })
    }
    let target = try fixture.makeFile("target")
    #expect(try copyAll(source, to: target) > 1)
    for page in stride(from: 0, to: pages, by: 998) {
      let expected = withUnsafeBytes(of: UInt64(page + 1)) { Array($0) }
      #expect(try files.contents(target, at: UInt64(page) * 4096, count: 8) == expected)
    }
    #expect(try files.getattr(target).blocks == files.getattr(source).blocks)
    #expect(try fixture.problems == [])
  }
}
