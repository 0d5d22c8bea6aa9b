import Glibc
import PosixCalls
import Synchronization
import SystemIO
import TestSupport
import Testing

extension Posix {
  /// copy_file_range(2).
  @Suite struct CopyTests {
    let place: Place
    init() throws { place = try Place() }

    static let size = 200_000

    struct Copy: Sendable, CustomTestStringConvertible {
      var from: Int
      var count: Int
      var to: Int
      var testDescription: String { "\(count) from \(from) to \(to)" }
    }

    static let copies: [Copy] = [
      .init(from: 0, count: size, to: 0), .init(from: 0, count: 65536, to: 65536),
      .init(from: 4096, count: 8192, to: 0),
      .init(from: 1, count: 10, to: 4095), .init(from: 100, count: 100_000, to: 50),
      .init(from: 3, count: 131_072, to: 8195),
      .init(from: 0, count: size * 2, to: 10), .init(from: size - 10, count: 100, to: size),
      .init(from: 4096, count: 65536, to: size + 10_000), .init(from: 65536, count: 65536, to: 1 << 20),
      .init(from: size, count: 10, to: 0), .init(from: size + 10, count: 10, to: 0), .init(from: 0, count: 0, to: 0),
    ]

    /// The source has a hole from 64 KiB to 128 KiB.
    private func source() throws -> (OpenFile, [UInt8]) {
      let file = try (place / "source").create()
      var content = pattern(Self.size)
      try file.write(content)
      try file.allocate([.punch, .keepSize], at: 65536, count: 65536)
      content.replaceSubrange(65536..<131_072, with: repeatElement(0, count: 65536))
      return (file, content)
    }

    private func expected(_ copy: Copy, _ source: [UInt8], _ target: [UInt8]) -> [UInt8] {
      let part = source.dropFirst(copy.from).prefix(copy.count)
      if part.isEmpty { return target }
      var result = target + [UInt8](repeating: 0, count: max(0, copy.to + part.count - target.count))
      result.replaceSubrange(copy.to..<copy.to + part.count, with: part)
      return result
    }

    private func copyAll(_ copy: Copy, _ from: OpenFile, _ to: OpenFile) throws -> Int {
      var done = 0
      while done < copy.count {
        let count = try from.copy(
          at: off_t(copy.from + done), count: copy.count - done, to: to, at: off_t(copy.to + done))
        if count == 0 { break }
        done += count
      }
      return done
    }

    /// The kernel drops the pages that were copied to from its cache, with whatever was stored meanwhile beside the copied part of a page.
    @Test func copyingToAPartOfAPageLosesNothingThatIsStoredBesideIt() throws {
      let (source, content) = try source()
      let target = try (place / "target").create()
      let (start, count) = (2048, 3 * 4096)
      try target.write(pattern(5 * 4096, seed: 2))
      let mapping = try Mapping(target, count: 5 * 4096)
      let isCopying = Atomic(true)
      let lost = Atomic(0)
      try onThreads(2) { thread in
        if thread == 0 {
          defer { isCopying.store(false, ordering: .releasing) }
          for _ in 0..<2000 { _ = try source.copy(at: 5, count: count, to: target, at: start) }
        } else {
          var stored: UInt8 = 0
          while isCopying.load(ordering: .acquiring) {
            stored &+= 1
            mapping[start + count] = stored
            for _ in 0..<100 where mapping[start + count] != stored { lost.add(1, ordering: .relaxed) }
          }
        }
      }
      #expect(lost.load(ordering: .relaxed) == 0)
      #expect(try target.read(count, at: off_t(start)) == Array(content[5..<5 + count]))
    }

    @Test(arguments: copies, [0, size / 2])
    func anotherFileGetsTheBytes(copy: Copy, size: Int) throws {
      let (from, content) = try source()
      let old = pattern(size, seed: 99)
      try (place / "target").setContent(old)
      let to = try (place / "target").open(O_RDWR)
      let mapping = try Mapping(to, count: 4096, writable: false)
      let result = expected(copy, content, old)
      #expect(try copyAll(copy, from, to) == max(0, min(copy.count, Self.size - copy.from)))
      #expect(try (place / "target").content() == result)
      #expect(try (place / "source").content() == content)
      if !result.isEmpty { #expect(mapping[0..<min(4096, result.count)] == Array(result.prefix(4096))) }
    }

    /// The source's latest bytes may still be on their way.
    @Test func whatWasOnlyMappedIsCopied() throws {
      let from = try (place / "source").create()
      try from.truncate(to: 8192)
      let mapping = try Mapping(from, count: 8192)
      mapping[5000] = 7
      let to = try (place / "target").create()
      try from.copy(at: 0, count: 8192, to: to, at: 0)
      #expect(try to.read(1, at: 5000) == [7])
    }

    @Test(
      arguments: [
        (0, 65536, 131_072, nil), (131_072, 65536, 0, nil), (0, 10, 10, nil), (0, 65536, 65535, .invalidArgument),
        (65535, 65536, 0, .invalidArgument), (0, 10, 0, .invalidArgument), (0, 0, 0, nil), (0, size, size, nil),
        (size, 10, size, nil),
      ] as [(Int, Int, Int, Errno?)])
    func withinAFileRangesMayNotOverlap(from: Int, count: Int, to: Int, error: Errno?) throws {
      let (file, content) = try source()
      let copy = Copy(from: from, count: count, to: to)
      #expect(try failure { _ = try file.copy(at: off_t(from), count: count, to: file, at: off_t(to)) } == error)
      #expect(try (place / "source").content() == (error == nil ? expected(copy, content, content) : content))
    }

    @Test func whatCannotBeCopiedIsRefused() throws {
      let (file, _) = try source()
      let target = place / "target"
      try target.setContent([])
      try Kind.pipe.make(place / "pipe")
      let write = try target.open(O_WRONLY)
      let attempts: [(OpenFile, OpenFile, Errno)] = [
        (file, try target.open(O_RDONLY), .badDescriptor), (write, file, .badDescriptor),
        (file, try target.open(O_WRONLY | O_APPEND), .badDescriptor),
        (try place.path.open(O_RDONLY), write, .isDirectory),
        (file, try (place / "pipe").open(O_RDWR), .invalidArgument),
        (try (place / "pipe").open(O_RDWR), write, .invalidArgument),
      ]
      for (from, to, error) in attempts { #expect(throws: error) { try from.copy(at: 0, count: 10, to: to, at: 0) } }
      #expect(throws: Errno.invalidArgument) { try file.copy(at: 0, count: 10, to: write, at: 0, flags: 1) }
      #expect(throws: Errno.invalidArgument) { try file.copy(at: -100, count: 10, to: write, at: 0) }
      #expect(throws: Errno.fileTooLarge) { try file.copy(at: 0, count: 10, to: write, at: .max) }
    }

    @Test func itIsAChange() throws {
      let (file, _) = try source()
      let target = place / "target"
      try target.setContent([1])
      try target.setTimes(accessed: .at(.init(1)), modified: .at(.init(2)))
      let before = try target.status()
      awaitTick()
      try file.copy(at: 0, count: 10, to: try target.open(O_WRONLY), at: 0)
      let after = try target.status()
      #expect(after.changed > before.changed && after.modified > before.modified)
    }
  }
}
