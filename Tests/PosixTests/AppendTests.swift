import Glibc
import PosixCalls
import SystemIO
import Testing

extension Posix {
  /// O_APPEND.
  @Suite struct AppendTests {
    let place: Place
    init() throws { place = try Place() }

    @Test func linesOfSeveralProcessesAreAllThere() throws {
      let path = place / "log"
      let lines = (0..<4).map { [UInt8](repeating: UInt8(ascii: "a") + UInt8($0), count: 100 + $0 * 1500) }
      let peers = try lines.map { _ in try Peer() }
      for (peer, line) in zip(peers, lines) {
        peer.start("append \(path) \(String(decoding: line, as: UTF8.self)) 100")
      }
      for peer in peers { try peer.finish() }
      let found = try path.content().split(separator: 10)
      for line in lines { #expect(found.count { $0.elementsEqual(line) } == 100) }
      #expect(found.count == 400)
    }

    @Test func everyWriteGoesToTheEnd() throws {
      let file = try (place / "file").create(O_APPEND)
      try file.write([1, 2])
      try file.seek(0)
      try file.write([3])
      #expect(try file.seek(0, from: .current) == 3)
      try file.write([4], at: 0)
      try (place / "file").open(O_WRONLY).append([5])
      #expect(try (place / "file").content() == [1, 2, 3, 4, 5])
      try file.truncate(to: 1)
      try file.write([6])
      #expect(try (place / "file").content() == [1, 6])
    }
  }
}
