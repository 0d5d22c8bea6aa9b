import Glibc
import MountTestSupport
import SystemIO
import Testing

/// What was dirtied through shared mappings before a barrier is with the server after it.
@Suite(.mounts) struct BarrierTests {
  static let files = 6
  static let pages = 256

  /// Whatever the kernel's limit of requests in the background is, also one that most dirty pages exceed.
  @Test(arguments: [[], ["--writeback"]], [65535, 64, 12])
  func everyDirtyPageArrives(_ mode: [String], _ maximumBackground: Int) throws {
    let server = try MountServer(mode + ["--max-background", "\(maximumBackground)"])
    let mappings = try (0..<Self.files).map { try MappedFile(server.path + "/\($0)", pages: Self.pages) }
    for round in UInt8(1)...10 {
      // Every other page, so that none can travel with its neighbour.
      for mapping in mappings { mapping.dirty(with: round, every: 2) }
      _ = try server.ask("barrier")
      #expect(try server.ask("pages \(round)") == "\(Self.files * Self.pages / 2)")
    }
  }

  @Test func writtenDataArrivesWithWriteBack() throws {
    let server = try MountServer(["--writeback"])
    let file = try FileDescriptor(opening: server.path + "/file", flags: O_RDWR | O_CREAT, permissions: 0o640)
    for page in 0..<100 { #expect(pwrite(file.rawValue, [7], 1, page * 8192) == 1) }
    _ = try server.ask("barrier")
    #expect(try server.ask("pages 7") == "100")
  }

  /// The writes are detached, and held until the barrier is on its way: it ends after them.
  @Test func aBarrierWaitsForWritesThatAreBeingServed() throws {
    let server = try MountServer()
    let mapping = try MappedFile(server.path + "/held", pages: Self.pages)
    mapping.dirty(with: 9)
    #expect(try server.ask("barrier over held writes 9") == "\(Self.pages)")
  }

  /// While a file is resized, the kernel keeps its writes to itself, and the marker overtakes them.
  @Test func aBarrierWaitsForFilesThatAreBeingResized() throws {
    let server = try MountServer()
    let mapped = try MappedFile(server.path + "/file", pages: Self.pages)
    let descriptor = mapped.file.rawValue
    let isOver = Monitor(false)
    let resizer = BackgroundThread {
      var size = Self.pages * MappedFile.pageSize
      while !isOver.withLock({ $0 }) {
        size ^= 1
        ftruncate(descriptor, size)
      }
    }
    for round in UInt8(1)...250 {
      mapped.dirty(with: round, every: 2)
      _ = try server.ask("barrier")
      #expect(try server.ask("pages \(round)") == "\(Self.pages / 2)")
    }
    isOver.withLock { $0 = true }
    resizer.join()
  }
}
