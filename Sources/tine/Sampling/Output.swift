import Control
import Glibc
import Processes
import SystemIO

/// A file that takes what a command prints.
struct Output: ~Copyable {
  private let file: FileDescriptor

  /// A file that is gone when nobody has it open.
  init(temporaryIn directory: String) throws(Errno) {
    var path = Array("\(directory)/output-XXXXXX\0".utf8)
    let descriptor = try Self.make(&path)
    file = FileDescriptor(owning: descriptor)
    unlink(String(decoding: path.dropLast(), as: UTF8.self))
  }

  private static func make(_ path: inout [UInt8]) throws(Errno) -> Int32 {
    let descriptor = path.withUnsafeMutableBytes { mkstemp($0.baseAddress!.assumingMemoryBound(to: CChar.self)) }
    guard descriptor >= 0 else { throw .last }
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    return descriptor
  }

  /// A file that stays.
  init(at path: BytePath) throws(Errno) {
    let descriptor = try retryingInterrupts {
      open(path.bytes.cString, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    }
    file = FileDescriptor(owning: descriptor)
  }

  var descriptor: Int32 { file.rawValue }

  /// The last line that has something in it, of the last 4 KiB.
  borrowing func lastLine() throws(Errno) -> LastLine {
    let size = try retryingInterrupts { lseek(file.rawValue, 0, SEEK_END) }
    let start = max(0, size - 4096)
    try retryingInterrupts { lseek(file.rawValue, start, SEEK_SET) }
    let end = try file.readAll()
    let lines = end.split { [UInt8(ascii: "\n"), UInt8(ascii: "\r")].contains($0) }
    let line = lines.last { $0.contains { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\t") } } ?? []
    return LastLine(bytes: Array(line), isWhole: start == 0 || line.startIndex > 0)
  }
}

/// The last line that a command printed; empty where it printed nothing.
struct LastLine: Sendable {
  let bytes: [UInt8]
  /// Whether that is all of it.
  let isWhole: Bool
}
