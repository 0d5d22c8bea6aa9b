import CoherenceSupport
import Glibc
import MountTestSupport
import PosixCalls
import SystemIO
import Testing

extension Posix {
  /// O_DIRECT, mappings and plain calls on one file, of one process and of several.
  @Suite struct DirectTests {
    let place: Place
    init() throws { place = try Place() }

    private func alignedMemory(_ count: Int) -> UnsafeMutableRawBufferPointer {
      .allocate(byteCount: count, alignment: 4096)
    }

    @Test func allWaysShowTheSameBytes() throws {
      let plain = try (place / "file").create()
      try plain.write(pattern(65536))
      let direct = try (place / "file").open(O_RDWR | OpenFlag.direct)
      let mapping = try Mapping(plain, count: 65536)
      let memory = alignedMemory(8192)
      defer { memory.deallocate() }
      for round in 0..<64 {
        let page = off_t(round % 15 * 4096)
        let byte = UInt8(round + 1)
        switch round % 3 {
        case 0:
          memory.initializeMemory(as: UInt8.self, repeating: byte)
          #expect(try direct.write(UnsafeRawBufferPointer(memory), at: page) == 8192)
        case 1:
          mapping[Int(page)..<Int(page) + 8192] = [UInt8](repeating: byte, count: 8192)
        default: try plain.write([UInt8](repeating: byte, count: 8192), at: page)
        }
        memory.initializeMemory(as: UInt8.self, repeating: 0)
        #expect(try direct.read(into: memory, at: page) == 8192)
        #expect(memory.allSatisfy { $0 == byte })
        #expect(try plain.read(8192, at: page).allSatisfy { $0 == byte })
        #expect(mapping[Int(page)..<Int(page) + 8192].allSatisfy { $0 == byte })
      }
    }

    /// Pages that were read while asynchronous direct writes were under way held old bytes for good, and one byte that was stored to such a page
    /// wrote the others back over the new ones.
    @Test(arguments: [(MixedLoad.Mix.asynchronousOnly, 16), (.everything, 6)])
    func allWaysAtOnceLeaveNothingStale(_ mix: MixedLoad.Mix, rounds: Int) throws {
      let load = try MixedLoad(place / "file", mix)
      for _ in 0..<rounds {
        try load.runRound()
        try #require(try load.differences() == [])
        try #require(try load.differencesAfterStores() == [])
      }
    }

    @Test func directWritesExtendAndReadsEndWithTheFile() throws {
      let file = try (place / "file").create(OpenFlag.direct)
      let memory = alignedMemory(8192)
      defer { memory.deallocate() }
      memory.copyBytes(from: pattern(8192))
      #expect(try file.write(UnsafeRawBufferPointer(memory), at: 4096) == 8192)
      #expect(try file.status().size == 12288)
      try file.truncate(to: 5000)
      #expect(try file.read(into: memory, at: 4096) == 904)
      #expect(memory[..<904].elementsEqual(pattern(904)))
      #expect(try file.read(into: memory, at: 8192) == 0)
    }

    @Test func mappingsAreSharedBetweenProcesses() throws {
      let path = place / "file"
      try path.setContent(pattern(16384))
      let file = try path.open(O_RDWR)
      let mapping = try Mapping(file, count: 16384)
      let peer = try Peer()
      try peer.run("map \(path) 16384")
      for page in 0..<4 {
        mapping[page * 4096] = UInt8(page + 50)
        #expect(try peer.ask("load \(path) \(page * 4096)") == "\(page + 50)")
        try peer.run("store \(path) \(page * 4096 + 1) \(page + 90)")
        #expect(mapping[page * 4096 + 1] == UInt8(page + 90))
        #expect(try file.read(2, at: off_t(page * 4096)) == [UInt8(page + 50), UInt8(page + 90)])
      }
    }

    @Test func truncationIsSeenThroughAMapping() throws {
      let file = try (place / "file").create()
      try file.write(pattern(8192))
      let mapping = try Mapping(file, count: 8192)
      try file.truncate(to: 100)
      try file.truncate(to: 8192)
      #expect(mapping[0..<100] == pattern(100))
      #expect(mapping[100..<8192].allSatisfy { $0 == 0 })
      #expect(try file.read(8192, at: 0) == pattern(100) + [UInt8](repeating: 0, count: 8092))
    }

    /// What is stored behind the end, within its page, does not become part of the file.
    @Test func whatIsMappedBehindTheEndStaysOutside() throws {
      let file = try (place / "file").create()
      try file.write(pattern(100))
      let mapping = try Mapping(file, count: 4096)
      mapping[200] = 9
      try mapping.synchronize()
      try file.truncate(to: 4096)
      #expect(try file.read(4096, at: 0) == pattern(100) + [UInt8](repeating: 0, count: 3996))
    }

    @Test func aMappingOutlivesItsNameAndDescriptor() throws {
      try (place / "file").setContent(pattern(4096))
      let mapping = try Mapping(try (place / "file").open(O_RDWR), count: 4096)
      try (place / "file").unlink()
      mapping[10] = 7
      try mapping.synchronize()
      #expect(mapping[10] == 7)
    }
  }
}
