import Glibc
import PosixCalls
import SystemIO
import Testing

extension Posix {
  /// How large a file can be: for the file system, and where RLIMIT_FSIZE says so.
  @Suite struct SizeTests {
    let place: Place
    init() throws { place = try Place() }

    @Test func filesGrowToTheLimitOfTheFileSystem() throws {
      let file = try (place / "file").create()
      let limit = try largestSize(file)
      try file.truncate(to: limit)
      #expect(try file.status().size == UInt64(limit))
      #expect(try file.write([7], at: limit - 1) == 1)
      #expect(try file.read(1, at: limit - 1) == [7])
      #expect(try file.read(4, at: limit - 5) == [0, 0, 0, 0])
      // What ends behind the largest offset is refused before the file system is asked.
      if limit < .max {
        #expect(try file.write([1, 2, 3], at: limit - 2) == 2, "only what fits is written")
        #expect(throws: Errno.fileTooLarge) { try file.write([1], at: limit) }
        #expect(throws: Errno.fileTooLarge) { try file.truncate(to: limit + 1) }
      } else {
        #expect(throws: Errno.invalidArgument) { try file.write([1, 2, 3], at: limit - 2) }
        #expect(throws: Errno.invalidArgument) { try file.write([1], at: limit) }
      }
      #expect(try file.seek(-1, from: .end) == limit - 1)
      #expect(try file.status().blocks <= 1024)
      try file.truncate(to: limit / 2)
      try file.truncate(to: limit)
      #expect(try file.read(1, at: limit - 1) == [0])
    }

    @Test(.needs(.largestSize)) func noSizeIsTooLarge() throws {
      #expect(try largestSize(try (place / "file").create()) == .max)
    }

    private func largestSize(_ file: OpenFile) throws -> off_t {
      var (low, high) = (off_t(0), off_t.max)
      while low < high {
        let middle = low + (high - low) / 2 + 1
        if try failure({ try file.truncate(to: middle) }) == nil { low = middle } else { high = middle - 1 }
      }
      return low
    }

    @Test func farPagesAreApart() throws {
      let file = try (place / "file").create()
      let limit = try largestSize(file)
      try file.truncate(to: 0)
      let offsets = (1...5).map { limit / 6 * off_t($0) }
      for (index, offset) in offsets.enumerated() { try file.write(pattern(5000, seed: index), at: offset) }
      for (index, offset) in offsets.enumerated() {
        #expect(try file.read(5000, at: offset) == pattern(5000, seed: index))
      }
    }

    @Test func badSizesAreRefused() throws {
      let file = try (place / "file").create()
      try Kind.pipe.make(place / "pipe")
      #expect(throws: Errno.invalidArgument) { try file.truncate(to: -1) }
      #expect(throws: Errno.invalidArgument) { try (place / "file").open(O_RDONLY).truncate(to: 0) }
      #expect(throws: Errno.isDirectory) { try place.path.truncate(to: 0) }
      #expect(throws: Errno.invalidArgument) { try (place / "pipe").truncate(to: 0) }
      #expect(throws: Errno.invalidArgument) { try file.write([1], at: -1) }
      #expect(throws: Errno.invalidArgument) { try file.read(1, at: -1) }
    }

    @Test func theLimitOfAProcessHolds() throws {
      let path = place / "file"
      let peer = try Peer()
      try peer.run("limit 10000")
      #expect(try peer.ask("write \(path) 9990 100") == "10")
      for command in [
        "write \(path) 10000 1", "write \(path) 20000 1", "truncate \(path) 10001", "allocate \(path) 0 10001",
      ] {
        #expect(try peer.failure(of: command) == .fileTooLarge, "\(command)")
      }
      try peer.run("truncate \(path) 10000")
      #expect(try path.status().size == 10000)
    }
  }
}
