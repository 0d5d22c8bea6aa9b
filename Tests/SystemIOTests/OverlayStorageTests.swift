import SystemIO
import TestSupport
import Testing

/// An overlay is what the storage below it would be, and that one stays as it is.
@Suite struct OverlayStorageTests {
  private static let names = ["a", "b", "d/a", "d/b"]

  /// Random changes on an overlay and on a copy: both give the same bytes, sizes, names and errors.
  @Test(arguments: [UInt64](1...20)) func itIsWhatACopyIs(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    let base = MemoryStorage(directories: ["", "d"], files: ["a": random.bytes(3000), "d/b": random.bytes(500)])
    let before = base.paths.map(base.bytes)
    let (overlay, copy) = (OverlayStorage(base), base.copy())
    for step in 0..<200 {
      let operation = Operation(&random)
      let (left, right) = (operation.run(on: overlay), operation.run(on: copy))
      #expect(left == right, "seed \(seed), step \(step): \(operation)")
    }
    for directory in ["", "d"] { #expect(try Set(overlay.list(directory)) == Set(copy.list(directory))) }
    for path in copy.paths {
      let file = try overlay.open(path, .reading)
      #expect(try file.readExactly(Int(file.size()), at: 0) == copy.bytes(of: path), "seed \(seed): \(path)")
    }
    #expect(base.paths.map(base.bytes) == before)
  }

  private struct Operation {
    private let kind: Int
    private let (path, other): (String, String)
    private let (offset, count): (UInt64, UInt64)
    private let bytes: [UInt8]

    init(_ random: inout SeededRandom) {
      kind = Int.random(in: 0..<9, using: &random)
      path = OverlayStorageTests.names.randomElement(using: &random)!
      other = OverlayStorageTests.names.filter { [path] in $0 != path }.randomElement(using: &random)!
      offset = UInt64.random(in: 0..<4000, using: &random)
      count = UInt64.random(in: 1..<2000, using: &random)
      bytes = random.bytes(Int(count))
    }

    /// What was read, or the error.
    func run(on storage: any Storage) -> [UInt8] {
      do throws(Errno) {
        switch kind {
        case 0: _ = try storage.open(path, .creating)
        case 1: try storage.remove(path)
        case 2: try storage.rename(path, to: other)
        case 3, 4: try storage.open(path, .readingAndWriting).write(bytes, at: offset)
        case 5: try storage.open(path, .readingAndWriting).truncate(to: offset)
        case 6: try storage.open(path, .readingAndWriting).punchHole(at: offset, count: count)
        case 7: try storage.open(path, .readingAndWriting).allocate(at: offset, count: count)
        default:
          let file = try storage.open(path, .reading)
          let available = try file.size() > offset ? min(count, try file.size() - offset) : 0
          return try file.readExactly(Int(available), at: offset)
        }
        return []
      } catch {
        return Array("\(error)".utf8)
      }
    }
  }
}
