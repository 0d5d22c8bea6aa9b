import PosixCalls
import SystemIO

/// What a call of the load did that it must not do.
struct UnexpectedResult: Error {
  let description: String
}

extension MixedLoad {
  func write(_ ranges: [Int], _ way: Way) throws {
    if way == .asynchronous { return try writeAsynchronously(ranges) }
    for start in ranges.map({ $0 * Self.rangeSize }) {
      switch way {
      // Parts of pages, as databases with smaller blocks write them.
      case .direct: try write(direct, start, pieces: [512, 1536, 4096, 65536 + 512])
      case .plain: try write(plain, start, pieces: [100, 4096, 5000, 65536, 12345])
      case .mapped: store(start)
      case .copied: try copy(start)
      case .punched: try plain.allocate([.punch, .keepSize], at: start, count: Self.rangeSize)
      case .asynchronous, .untouched: break
      }
    }
  }

  /// All at once: large ones, and many small ones; several times over, of which the last counts.
  private func writeAsynchronously(_ ranges: [Int]) throws {
    let other = PageMemory(count: Self.rangeSize)
    for time in 1...Self.repetitions {
      fill(other.bytes, stamp: UInt64(round) << 32 | UInt64(time) << 24 | 0xff)
      let transfers = ranges.enumerated().flatMap { number, range in
        let size = Self.rangeSize >> (number % 4)
        return stride(from: 0, to: Self.rangeSize, by: size).map { start in
          let offset = range * Self.rangeSize + start
          let isLast = time == Self.repetitions
          let memory = isLast ? expected[offset..<offset + size] : other[start..<start + size]
          return AsynchronousTransfer(.write, direct, at: offset, memory)
        }
      }
      var underWay = try AsynchronousTransfers(transfers)
      for (transfer, result) in zip(transfers, try underWay.wait())
      where try result.get() != transfer.memory.bytes.count {
        throw UnexpectedResult(description: "an asynchronous write was cut short: \(result)")
      }
    }
  }

  private func write(_ file: OpenFile, _ start: Int, pieces: [Int]) throws {
    var offset = start
    var number = 0
    while offset < start + Self.rangeSize {
      let end = min(offset + pieces[number % pieces.count], start + Self.rangeSize)
      guard try file.write(UnsafeRawBufferPointer(expected[offset..<end].bytes), at: offset) == end - offset else {
        throw UnexpectedResult(description: "a write was cut short")
      }
      offset = end
      number += 1
    }
  }

  private func store(_ start: Int) {
    for offset in stride(from: start, to: start + Self.rangeSize, by: Self.pageSize) {
      let page = UnsafeMutableRawBufferPointer(rebasing: mapping.bytes[offset..<offset + Self.pageSize])
      page.copyMemory(from: UnsafeRawBufferPointer(expected[offset..<offset + Self.pageSize].bytes))
    }
  }

  private func copy(_ start: Int) throws {
    try source.write(UnsafeRawBufferPointer(expected[start..<start + Self.rangeSize].bytes), at: start)
    var done = 0
    while done < Self.rangeSize {
      let copied = try source.copy(at: start + done, count: Self.rangeSize - done, to: plain, at: start + done)
      if copied == 0 { throw UnexpectedResult(description: "copying ended early") }
      done += copied
    }
  }
}
