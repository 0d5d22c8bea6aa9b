import PosixCalls

/// Bytes that a number determines.
struct Content: Hashable, Sendable, CustomDebugStringConvertible {
  /// Zero for zeros.
  var seed: Int
  var count: Int

  /// No byte of it is zero, but where all are: no page becomes a hole by chance.
  var bytes: [UInt8] {
    guard seed != 0 else { return [UInt8](repeating: 0, count: count) }
    let start = seed % 255
    return Array(Self.pattern[start..<start + count])
  }

  static let longest = 1 << 18

  private static let pattern = (0..<longest + 255).map { UInt8($0 * 7 % 255 + 1) }

  var debugDescription: String { "\(count) bytes of \(seed)" }
}

/// Type and permissions, shown in octal.
struct Mode: Hashable, Sendable, ExpressibleByIntegerLiteral, CustomDebugStringConvertible {
  var rawValue: UInt32

  init(_ rawValue: UInt32) { self.rawValue = rawValue }
  init(integerLiteral value: UInt32) { rawValue = value }

  var debugDescription: String { "0" + String(rawValue, radix: 8) }
}

enum SynchronizationScope: Hashable, Sendable, CaseIterable {
  case all, dataOnly, fileSystem
}

extension Path {
  /// The directory that the last name stands in.
  var parent: Path {
    guard let slash = bytes.lastIndex(of: UInt8(ascii: "/")), slash > 0 else { return "." }
    return Path([UInt8](bytes[..<slash]))
  }
}
