import SystemIO

/// What a reaper and the process that started it send each other: one byte for the kind, then numbers of 4 bytes, little-endian.
/// Both are the same program, so that the layout may change at any time.
enum ReaperMessage: Equatable {
  /// To the reaper: pass a signal on to the command.
  case signal(Int32)
  /// To the reaper: end everything now.
  case end
  /// From the reaper: the command runs.
  case started
  /// From the reaper: the command does not run, and the reaper ends.
  case failed(step: Int32, errno: Int32)
  /// From the reaper: the command has ended, with the status that waitpid(2) gives. What it left is ended next.
  case ended(status: Int32)
  /// From the reaper: nothing is left but these processes, and the reaper ends.
  case finished(left: [Int32])

  private enum Kind: UInt8 { case signal = 1, end, started, failed, ended, finished }

  var encoded: [UInt8] {
    switch self {
    case .signal(let number): Self.encode(.signal, [number])
    case .end: Self.encode(.end, [])
    case .started: Self.encode(.started, [])
    case .failed(let step, let errno): Self.encode(.failed, [step, errno])
    case .ended(let status): Self.encode(.ended, [status])
    // More than can be sent at once are never named.
    case .finished(let left): Self.encode(.finished, Array(left.prefix(1000)))
    }
  }

  private static func encode(_ kind: Kind, _ numbers: [Int32]) -> [UInt8] {
    [kind.rawValue] + numbers.flatMap { number in (0..<4).map { UInt8(truncatingIfNeeded: number >> ($0 * 8)) } }
  }

  /// Nil if the bytes are no message.
  init?(decoding bytes: [UInt8]) {
    guard let first = bytes.first, let kind = Kind(rawValue: first), bytes.count % 4 == 1 else { return nil }
    let numbers = stride(from: 1, to: bytes.count, by: 4).map { start in
      (0..<4).reduce(Int32(0)) { $0 | Int32(bitPattern: UInt32(bytes[start + $1]) << UInt32($1 * 8)) }
    }
    switch (kind, numbers.count) {
    case (.signal, 1): self = .signal(numbers[0])
    case (.end, 0): self = .end
    case (.started, 0): self = .started
    case (.failed, 2): self = .failed(step: numbers[0], errno: numbers[1])
    case (.ended, 1): self = .ended(status: numbers[0])
    case (.finished, _): self = .finished(left: numbers)
    default: return nil
    }
  }

  /// Waits for the next one; nil after the other end is closed.
  init?(from channel: borrowing MessageSocket) {
    do throws(Errno) {
      guard let message = try channel.receive() else { return nil }
      self.init(decoding: message.bytes)
    } catch {
      return nil
    }
  }
}
