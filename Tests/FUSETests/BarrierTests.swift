import Glibc
import SystemIO
import Testing

/// What was dirtied through shared mappings before a barrier is with the server after it.
@Suite(.mounts) struct BarrierTests {
  static let files = 6
  static let pages = 256
  static let size = pages * 4096

  /// Whatever the kernel's limit of requests in the background is, also one that most dirty pages exceed.
  @Test(arguments: [[], ["--writeback"]], [65535, 64, 12])
  func everyDirtyPageArrives(_ mode: [String], _ maximumBackground: Int) throws {
    let server = try ServerProcess(mode + ["--max-background", "\(maximumBackground)"])
    let mappings = try (0..<Self.files).map { try Mapping(server.path + "/\($0)") }
    for round in UInt8(1)...10 {
      // Every other page, so that none can travel with its neighbour.
      for mapping in mappings { mapping.dirty(with: round, every: 2) }
      _ = try server.ask("barrier")
      #expect(try server.ask("pages \(round)") == "\(Self.files * Self.pages / 2)")
    }
  }

  @Test func writtenDataArrivesWithWriteBack() throws {
    let server = try ServerProcess(["--writeback"])
    let file = try FileDescriptor(opening: server.path + "/file", flags: O_RDWR | O_CREAT, permissions: 0o640)
    for page in 0..<100 { #expect(pwrite(file.rawValue, [7], 1, page * 8192) == 1) }
    _ = try server.ask("barrier")
    #expect(try server.ask("pages 7") == "100")
  }

  /// The writes are detached, and held until the barrier is on its way: it ends after them.
  @Test func aBarrierWaitsForWritesThatAreBeingServed() throws {
    let server = try ServerProcess()
    let mapping = try Mapping(server.path + "/held")
    mapping.dirty(with: 9, every: 1)
    #expect(try server.ask("barrier over held writes 9") == "\(Self.pages)")
  }
}

/// A file of `BarrierTests.size` bytes, mapped shared.
private final class Mapping {
  private let memory: UnsafeMutableRawPointer
  private let file: FileDescriptor

  init(_ path: String) throws {
    file = try FileDescriptor(opening: path, flags: O_RDWR | O_CREAT, permissions: 0o640)
    try #require(ftruncate(file.rawValue, BarrierTests.size) == 0)
    let mapped = mmap(nil, BarrierTests.size, PROT_READ | PROT_WRITE, MAP_SHARED, file.rawValue, 0)
    memory = try #require(mapped != MAP_FAILED ? mapped : nil)
  }

  deinit { munmap(memory, BarrierTests.size) }

  /// Writes the first byte of every `step`th page.
  func dirty(with byte: UInt8, every step: Int) {
    for page in stride(from: 0, to: BarrierTests.pages, by: step) {
      memory.storeBytes(of: byte, toByteOffset: page * 4096, as: UInt8.self)
    }
  }
}
