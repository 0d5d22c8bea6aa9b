public import CPosix
import Glibc
public import SystemIO

/// What getdents64(2) tells of a name in a directory.
public struct DirectoryEntry: Hashable, Sendable {
  public var name: Path
  public var inode: UInt64
  /// Where to seek to read on behind this entry.
  public var next: off_t
  /// DT_REG and so on.
  public var kind: UInt8
}

extension OpenFile {
  /// getdents64(2) with a buffer of this size: the next entries, none at the end. They begin where `seek` went.
  public func nextEntries(bufferSize: Int = 32768) throws(Errno) -> [DirectoryEntry] {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: bufferSize, alignment: 8)
    defer { buffer.deallocate() }
    let count = try retryingInterrupts { getdents64(descriptor, buffer.baseAddress, bufferSize) }
    var entries: [DirectoryEntry] = []
    var rest = UnsafeRawBufferPointer(rebasing: buffer[..<count])
    while !rest.isEmpty {
      let headerSize = 19
      let size = Int(rest.loadUnaligned(fromByteOffset: 16, as: UInt16.self))
      entries.append(
        DirectoryEntry(
          name: Path(Array(rest[headerSize..<size].prefix { $0 != 0 })),
          inode: rest.loadUnaligned(as: UInt64.self), next: rest.loadUnaligned(fromByteOffset: 8, as: off_t.self),
          kind: rest[18]))
      rest = UnsafeRawBufferPointer(rebasing: rest[size...])
    }
    return entries
  }
}

extension Path {
  /// All entries of this directory, `.` and `..` too, in the order in which they are read.
  public func entries(bufferSize: Int = 32768) throws(Errno) -> [DirectoryEntry] {
    let directory = try open(O_RDONLY | O_DIRECTORY)
    var entries: [DirectoryEntry] = []
    while true {
      let next = try directory.nextEntries(bufferSize: bufferSize)
      if next.isEmpty { return entries }
      entries += next
    }
  }

  /// The names in this directory, without `.` and `..`, in order of their bytes.
  public func names() throws(Errno) -> [Path] {
    try entries().map(\.name).filter { $0 != "." && $0 != ".." }
      .sorted { $0.bytes.lexicographicallyPrecedes($1.bytes) }
  }
}

extension Path {
  /// Removes this file, or this directory with all that is in it.
  public func removeTree() throws(Errno) {
    guard try status().isDirectory else { return try unlink() }
    for name in try names() { try (self / name).removeTree() }
    try removeDirectory()
  }
}
