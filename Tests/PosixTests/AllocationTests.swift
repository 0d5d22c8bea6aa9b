import Glibc
import PosixCalls
import SystemIO
import Testing

extension Posix {
  /// fallocate(2).
  @Suite struct AllocationTests {
    let place: Place
    init() throws { place = try Place() }

    struct Step: Sendable, CustomTestStringConvertible {
      var mode: AllocationMode
      var offset: Int
      var count: Int
      var testDescription: String { "\(mode.rawValue) at \(offset) count \(count)" }

      /// What it makes of a file's content.
      func apply(_ content: [UInt8]) -> [UInt8] {
        var content = content
        let end = offset + count
        switch mode {
        case .collapse: content.removeSubrange(offset..<end)
        case .insert: content.insert(contentsOf: repeatElement(0, count: count), at: offset)
        default:
          if !mode.contains(.keepSize), end > content.count {
            content += repeatElement(0, count: end - content.count)
          }
          if mode.contains(.punch) || mode.contains(.zero) {
            for index in min(offset, content.count)..<min(end, content.count) { content[index] = 0 }
          }
        }
        return content
      }
    }

    static let size = 300_000
    static let punch: AllocationMode = [.punch, .keepSize]

    @Test(
      arguments: [
        .init(mode: [], offset: 0, count: 1), .init(mode: [], offset: 0, count: size),
        .init(mode: [], offset: 5, count: 7),
        .init(mode: [], offset: size - 1, count: 2), .init(mode: [], offset: size + 5000, count: 100_000),
        .init(mode: .keepSize, offset: 0, count: 10), .init(mode: .keepSize, offset: size, count: 100_000),
        .init(mode: .keepSize, offset: size * 2, count: 1), .init(mode: punch, offset: 0, count: size),
        .init(mode: punch, offset: 4096, count: 4096), .init(mode: punch, offset: 1, count: 1),
        .init(mode: punch, offset: 4095, count: 2), .init(mode: punch, offset: 100, count: 200_000),
        .init(mode: punch, offset: size - 10, count: 100_000), .init(mode: punch, offset: size + 10, count: 10),
      ] as [Step])
    func theContentIsWhatItShouldBe(step: Step) throws { try check([step]) }

    @Test(
      .needs(.zero),
      arguments: [
        .init(mode: .zero, offset: 0, count: size), .init(mode: .zero, offset: 10, count: 20),
        .init(mode: .zero, offset: 4000, count: 100_000), .init(mode: .zero, offset: size - 10, count: 100_000),
        .init(mode: [.zero, .keepSize], offset: size - 10, count: 100_000),
        .init(mode: [.zero, .keepSize], offset: size + 10, count: 1),
        .init(mode: .zero, offset: size + 5000, count: 10),
      ] as [Step])
    func rangesBecomeZero(step: Step) throws { try check([step]) }

    @Test(
      .needs(.collapse),
      arguments: [
        .init(mode: .collapse, offset: 0, count: 65536), .init(mode: .collapse, offset: 65536, count: 131_072),
        .init(mode: .collapse, offset: 131_072, count: 65536),
      ] as [Step])
    func rangesAreTakenOut(step: Step) throws {
      try check([step])
      try check([.init(mode: Self.punch, offset: 70_000, count: 70_000), step])
    }

    @Test(
      .needs(.insert),
      arguments: [
        .init(mode: .insert, offset: 0, count: 65536), .init(mode: .insert, offset: 65536, count: 131_072),
        .init(mode: .insert, offset: 262_144, count: 65536),
      ] as [Step])
    func rangesArePutIn(step: Step) throws {
      try check([step])
      try check([.init(mode: Self.punch, offset: 70_000, count: 70_000), step, step])
    }

    private func check(_ steps: [Step]) throws {
      let path = place / "file"
      var content = pattern(Self.size)
      try path.setContent(content)
      let file = try path.open(O_RDWR)
      let mapping = try Mapping(file, count: 4096, writable: false)
      for step in steps {
        try file.allocate(step.mode, at: step.offset, count: step.count)
        content = step.apply(content)
        #expect(try path.content() == content)
        #expect(try file.status().size == UInt64(content.count))
        #expect(mapping[0..<4096] == Array(content.prefix(4096)), "what is mapped is the same")
      }
    }

    @Test func holesTakeNoSpace() throws {
      let path = place / "file"
      try path.setContent(pattern(1 << 20))
      let file = try path.open(O_RDWR)
      try file.synchronize()
      let before = try file.status().blocks
      try file.allocate(Self.punch, at: 65536, count: 1 << 19)
      try file.synchronize()
      #expect(try file.status().blocks + 1024 <= before)
      #expect(try file.status().size == 1 << 20)
    }

    /// Of a file of 300,000 bytes.
    @Test(
      arguments: [
        ([], -1, 10, .invalidArgument), ([], 0, 0, .invalidArgument), ([], 0, -1, .invalidArgument),
        ([], .max, 10, .fileTooLarge), (.punch, 0, 10, .notSupported), (.init(rawValue: 1 << 20), 0, 10, .notSupported),
        ([.punch, .keepSize, .zero], 0, 10, .notSupported),
      ] as [(AllocationMode, off_t, off_t, Errno)])
    func badArgumentsAreRefused(mode: AllocationMode, offset: off_t, count: off_t, error: Errno) throws {
      try (place / "file").setContent(pattern(Self.size))
      let file = try (place / "file").open(O_RDWR)
      #expect(throws: error) { try file.allocate(mode, at: offset, count: count) }
      #expect(try (place / "file").content() == pattern(Self.size))
    }

    @Test(
      .needs(.collapse),
      arguments: [
        (0, 1000), (1000, 65536), (262_144, 65536), (0, 1 << 20), (1 << 20, 65536), (262_144, 37_856),
      ] as [(off_t, off_t)])
    func onlyWholeBlocksInsideAreTakenOut(offset: off_t, count: off_t) throws {
      try (place / "file").setContent(pattern(Self.size))
      let file = try (place / "file").open(O_RDWR)
      #expect(throws: Errno.invalidArgument) { try file.allocate(.collapse, at: offset, count: count) }
      #expect(throws: Errno.notSupported) { try file.allocate([.collapse, .keepSize], at: 0, count: 65536) }
    }

    @Test(
      .needs(.insert),
      arguments: [(0, 1000), (1000, 65536), (Self.size, 65536), (327_680, 65536)] as [(off_t, off_t)])
    func onlyWholeBlocksInsideArePutIn(offset: off_t, count: off_t) throws {
      try (place / "file").setContent(pattern(Self.size))
      let file = try (place / "file").open(O_RDWR)
      #expect(throws: Errno.invalidArgument) { try file.allocate(.insert, at: offset, count: count) }
      #expect(throws: Errno.fileTooLarge) { try file.allocate(.insert, at: 0, count: .max & ~65535) }
    }

    @Test func onlyFilesOpenForWritingHaveSpace() throws {
      try Kind.file.make(place / "file")
      try Kind.pipe.make(place / "pipe")
      #expect(throws: Errno.badDescriptor) { try (place / "file").open(O_RDONLY).allocate(at: 0, count: 10) }
      #expect(throws: Errno.badDescriptor) { try place.path.open(O_RDONLY).allocate(at: 0, count: 10) }
      #expect(throws: Errno.illegalSeek) { try (place / "pipe").open(O_RDWR).allocate(at: 0, count: 10) }
    }

    @Test(arguments: [(.keepSize, 100), ([.punch, .keepSize], 100), ([], 400_000)] as [(AllocationMode, off_t)])
    func itIsAChange(mode: AllocationMode, count: off_t) throws {
      try (place / "file").setContent(pattern(Self.size))
      try (place / "file").setTimes(accessed: .at(.init(1)), modified: .at(.init(2)))
      let before = try (place / "file").status()
      awaitTick()
      try (place / "file").open(O_RDWR).allocate(mode, at: 0, count: count)
      let after = try (place / "file").status()
      #expect(after.changed > before.changed)
      #expect(after.modified > before.modified)
    }
  }
}
