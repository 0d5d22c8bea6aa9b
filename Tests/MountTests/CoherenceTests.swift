import CoherenceSupport
import Glibc
import MountTestSupport
import PosixCalls
import SystemIO
import Testing

/// What the kernel has cached and what the store holds stay the same, in whatever ways a file is used at once.
@Suite(.mounts, .serialized) struct CoherenceTests {
  @Test(arguments: ["", "writeback"])
  func allWaysAtOnceLeaveNothingStale(_ mode: String) throws {
    let server = try ForkServer(mode)
    let load = try MixedLoad(Path(server.prod.path) / "file")
    for round in 1...3 {
      try load.runRound()
      try #require(try load.differences() == [])
      try #require(try load.differencesAfterStores() == [])
      let fork = try server.mount("fork", of: "prod", as: "fork\(round)")
      try #require(try load.differences(in: Path(fork) / "file") == [])
    }
    try server.unmount("fork1")
    let again = try server.mount("fork", of: "prod", as: "last")
    #expect(try load.differences(in: Path(again) / "file") == [])
  }

  /// Writes that had ended are in a fork that is taken while others are under way, and of those each block is old or new.
  @Test(arguments: ["", "writeback"])
  func aForkHoldsWhatAsynchronousWritesHaveWritten(_ mode: String) throws {
    let server = try ForkServer(mode)
    let path = Path(server.prod.path) / "file"
    let file = try path.create(OpenFlag.direct)
    let (count, size) = (16, 1 << 18)
    try file.truncate(to: off_t(2 * count * size))
    for round in UInt8(1)...4 {
      try write(round, to: file, 0..<count, size) {}
      var fork = ""
      try write(round, to: file, count..<2 * count, size) {
        fork = try server.mount("fork", of: "prod", as: "fork\(round)")
      }
      let content = try (Path(fork) / "file").content()
      #expect(content.count == 2 * count * size)
      let pages = [round, round - 1].map { [UInt8](repeating: $0, count: 4096)[...] }
      for start in stride(from: 0, to: content.count, by: 4096) {
        let page = content[start..<start + 4096]
        #expect(page == pages[0] || (start >= count * size && page == pages[1]), "round \(round), byte \(start)")
      }
    }
  }

  private func write(
    _ byte: UInt8, to file: OpenFile, _ range: Range<Int>, _ size: Int, meanwhile body: () throws -> Void
  ) throws {
    let memory = PageMemory([UInt8](repeating: byte, count: size))
    var underWay = try AsynchronousTransfers(range.map { .init(.write, file, at: $0 * size, memory) })
    try body()
    for result in try underWay.wait() { #expect(try result.get() == size) }
  }
}
