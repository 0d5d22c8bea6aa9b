public import CPosix
import Glibc
public import SystemIO

/// Modes of fallocate(2).
public struct AllocationMode: OptionSet, Hashable, Sendable {
  public let rawValue: Int32
  public init(rawValue: Int32) { self.rawValue = rawValue }
  public static let keepSize = AllocationMode(rawValue: posix_FALLOC_FL_KEEP_SIZE)
  /// Makes a hole; fallocate(2) wants `keepSize` with it.
  public static let punch = AllocationMode(rawValue: posix_FALLOC_FL_PUNCH_HOLE)
  public static let zero = AllocationMode(rawValue: posix_FALLOC_FL_ZERO_RANGE)
  public static let collapse = AllocationMode(rawValue: posix_FALLOC_FL_COLLAPSE_RANGE)
  public static let insert = AllocationMode(rawValue: posix_FALLOC_FL_INSERT_RANGE)
}

/// What lseek(2) starts from, or looks for.
public struct SeekOrigin: RawRepresentable, Hashable, Sendable {
  public let rawValue: Int32
  public init(rawValue: Int32) { self.rawValue = rawValue }
  public static let start = SeekOrigin(rawValue: SEEK_SET)
  public static let current = SeekOrigin(rawValue: SEEK_CUR)
  public static let end = SeekOrigin(rawValue: SEEK_END)
  public static let data = SeekOrigin(rawValue: posix_SEEK_DATA)
  public static let hole = SeekOrigin(rawValue: posix_SEEK_HOLE)
}

extension OpenFile {
  /// read(2), or pread(2) where an offset is given: the bytes that there are, `count` at most.
  public func read(_ count: Int, at offset: off_t? = nil) throws(Errno) -> [UInt8] {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 1)
    defer { buffer.deallocate() }
    return Array(buffer[..<(try read(into: buffer, at: offset))])
  }

  /// The same into memory of the caller's, which O_DIRECT wants aligned.
  public func read(into buffer: UnsafeMutableRawBufferPointer, at offset: off_t? = nil) throws(Errno) -> Int {
    try retryingInterrupts {
      if let offset {
        pread(descriptor, buffer.baseAddress, buffer.count, offset)
      } else {
        Glibc.read(descriptor, buffer.baseAddress, buffer.count)
      }
    }
  }

  /// write(2), or pwrite(2) where an offset is given. Returns how many bytes were written.
  @discardableResult
  public func write(_ bytes: [UInt8], at offset: off_t? = nil) throws(Errno) -> Int {
    try retryingInterrupts { bytes.withUnsafeBytes { writeOnce($0, at: offset) } }
  }

  @discardableResult
  public func write(_ buffer: UnsafeRawBufferPointer, at offset: off_t? = nil) throws(Errno) -> Int {
    try retryingInterrupts { writeOnce(buffer, at: offset) }
  }

  private func writeOnce(_ buffer: UnsafeRawBufferPointer, at offset: off_t?) -> Int {
    if let offset { return pwrite(descriptor, buffer.baseAddress, buffer.count, offset) }
    return Glibc.write(descriptor, buffer.baseAddress, buffer.count)
  }

  /// pwritev(2). Returns how many bytes were written.
  @discardableResult
  public func write(_ parts: [[UInt8]], at offset: off_t) throws(Errno) -> Int {
    let bytes = parts.flatMap(\.self)
    return try retryingInterrupts {
      bytes.withUnsafeBytes { buffer in
        var rest = UnsafeMutableRawBufferPointer(mutating: buffer)[...]
        let vectors = parts.map { part in
          let vector = UnsafeMutableRawBufferPointer(rebasing: rest.prefix(part.count))
          rest = rest.dropFirst(part.count)
          return iovec(iov_base: vector.baseAddress, iov_len: part.count)
        }
        return pwritev2(descriptor, vectors, Int32(vectors.count), offset, 0)
      }
    }
  }

  /// pwritev2(2) with RWF_APPEND: writes at the end, whatever the file was opened with.
  @discardableResult
  public func append(_ bytes: [UInt8]) throws(Errno) -> Int {
    try retryingInterrupts {
      bytes.withUnsafeBytes { buffer in
        var vector = iovec(iov_base: UnsafeMutableRawPointer(mutating: buffer.baseAddress), iov_len: buffer.count)
        return pwritev2(descriptor, &vector, 1, 0, posix_RWF_APPEND)
      }
    }
  }

  /// lseek(2).
  @discardableResult
  public func seek(_ offset: off_t, from origin: SeekOrigin = .start) throws(Errno) -> off_t {
    try retryingInterrupts { lseek(descriptor, offset, origin.rawValue) }
  }

  public func truncate(to size: off_t) throws(Errno) { try retryingInterrupts { ftruncate(descriptor, size) } }

  public func allocate(_ mode: AllocationMode = [], at offset: off_t, count: off_t) throws(Errno) {
    try retryingInterrupts { fallocate(descriptor, mode.rawValue, offset, count) }
  }

  /// copy_file_range(2) with offsets. Returns how many bytes were copied.
  @discardableResult
  public func copy(
    at offset: off_t, count: Int, to other: OpenFile, at otherOffset: off_t, flags: UInt32 = 0
  ) throws(Errno) -> Int {
    try retryingInterrupts {
      var from = offset
      var to = otherOffset
      return copy_file_range(descriptor, &from, other.descriptor, &to, count, flags)
    }
  }

  /// ioctl(2) with FICLONE: makes this file's content that of the other.
  public func clone(_ other: OpenFile) throws(Errno) {
    try retryingInterrupts { posix_clone(descriptor, other.descriptor) }
  }

  public func synchronize() throws(Errno) { try retryingInterrupts { fsync(descriptor) } }

  /// fdatasync(2).
  public func synchronizeData() throws(Errno) { try retryingInterrupts { fdatasync(descriptor) } }

  /// syncfs(2) of the file system that this file is on.
  public func synchronizeFileSystem() throws(Errno) { try retryingInterrupts { syncfs(descriptor) } }
}

extension Path {
  public func truncate(to size: off_t) throws(Errno) {
    try retryingInterrupts { withCString { Glibc.truncate($0, size) } }
  }

  /// The whole content.
  public func content() throws(Errno) -> [UInt8] {
    let file = try open(O_RDONLY)
    var content: [UInt8] = []
    while true {
      let bytes = try file.read(1 << 20)
      if bytes.isEmpty { return content }
      content += bytes
    }
  }

  /// Makes or empties a file, and writes its content.
  public func setContent(_ bytes: [UInt8], mode: mode_t = 0o644) throws(Errno) {
    let file = try create(O_TRUNC, mode: mode)
    var rest = bytes[...]
    while !rest.isEmpty { rest = rest.dropFirst(try file.write(Array(rest))) }
  }
}
