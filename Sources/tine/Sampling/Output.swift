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
  init(at path: String) throws(Errno) {
    file = try FileDescriptor(opening: path, flags: O_RDWR | O_CREAT | O_TRUNC, permissions: 0o644)
  }

  var descriptor: Int32 { file.rawValue }

  /// The last line that has something in it, of the last 4 KiB.
  borrowing func lastLine() throws(Errno) -> String {
    let size = try retryingInterrupts { lseek(file.rawValue, 0, SEEK_END) }
    try retryingInterrupts { lseek(file.rawValue, max(0, size - 4096), SEEK_SET) }
    let lines = String(decoding: try file.readAll(), as: UTF8.self).split(whereSeparator: \.isNewline)
    return lines.last { line in line.contains { !$0.isWhitespace } }.map(String.init) ?? ""
  }
}
