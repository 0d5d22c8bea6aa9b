import Glibc
public import PosixCalls
import Synchronization
import SystemIO
import TestSupport

/// A file that is written in every way at once while others read it: asynchronously and synchronously past the page cache, through
/// the cache, through a mapping, by copying and by punching. Each range of it is written in one way at a time, and ranges
/// are whole pages, so what the file holds after a round is defined; and however it is read, it must hold just that.
public final class MixedLoad: @unchecked Sendable {
  public enum Way: CaseIterable, Sendable {
    case asynchronous, direct, plain, mapped, copied, punched, untouched
  }

  /// How many ranges are written in which way.
  public enum Mix: Sendable {
    case everything, asynchronousOnly

    fileprivate var ways: [Way] {
      switch self {
      case .everything:
        [Way](repeating: .asynchronous, count: 4) + [.direct, .direct, .plain, .mapped, .mapped, .copied, .punched]
          + [.untouched]
      case .asynchronousOnly: [Way](repeating: .asynchronous, count: 8)
      }
    }
  }

  static let rangeSize = 1 << 19
  static let pageSize = 4096
  static let repetitions = 4
  let plain: OpenFile
  let direct: OpenFile
  let source: OpenFile
  let mapping: Mapping
  /// What the file must hold.
  let expected: PageMemory
  private let mix: Mix
  private let noise: [UInt8]
  private var random: SeededRandom
  private(set) var round = 0

  /// Makes the file `path`, and one beside it to copy from.
  public init(_ path: Path, _ mix: Mix = .everything, seed: UInt64 = 1) throws {
    self.mix = mix
    let size = mix.ways.count * Self.rangeSize
    expected = PageMemory(count: size)
    random = SeededRandom(seed: seed)
    noise = random.bytes(Self.pageSize)
    plain = try path.create(O_EXCL)
    direct = try path.open(O_RDWR | OpenFlag.direct)
    source = try Path(path.bytes + Array(".source".utf8)).create(O_EXCL)
    for file in [plain, source] { try file.truncate(to: size) }
    mapping = try Mapping(plain, count: size)
  }

  /// Writes all ranges at once, each in some way, while the file is read in three ways, and returns when all has ended.
  public func runRound() throws {
    round += 1
    let ways = mix.ways.shuffled(using: &random)
    for (index, way) in ways.enumerated() where way != .untouched { fill(index, way) }
    let areWriting = Atomic(true)
    let writers = Way.allCases.map { way in ways.indices.filter { ways[$0] == way } }
    try onThreads(2) { thread in
      if thread == 0 {
        defer { areWriting.store(false, ordering: .releasing) }
        try onThreads(writers.count) { try self.write(writers[$0], Way.allCases[$0]) }
      } else {
        let asynchronous = ways.indices.filter { ways[$0] == .asynchronous }
        try onThreads(4) { reader in
          while areWriting.load(ordering: .acquiring) {
            try self.read(reader, reader == 0 ? asynchronous : Array(ways.indices))
          }
        }
      }
    }
  }

  private func fill(_ index: Int, _ way: Way) {
    let range = expected[index * Self.rangeSize..<(index + 1) * Self.rangeSize].bytes
    if way == .punched {
      range.initializeMemory(as: UInt8.self, repeating: 0)
    } else {
      fill(range, stamp: UInt64(round) << 32 | UInt64(index) << 24)
    }
  }

  /// Noise, so that nothing is stored in no time, with a number in each block of 512 bytes.
  func fill(_ memory: UnsafeMutableRawBufferPointer, stamp: UInt64) {
    for start in stride(from: 0, to: memory.count, by: Self.pageSize) {
      UnsafeMutableRawBufferPointer(rebasing: memory[start..<start + Self.pageSize]).copyBytes(from: noise)
    }
    for start in stride(from: 0, to: memory.count, by: 512) {
      memory.storeBytes(of: stamp << 8 | UInt64(start / 512), toByteOffset: start, as: UInt64.self)
    }
  }
}
