import CLinux
import Glibc

/// Directories of the host that people name by path. Links are followed, as everywhere on a command line.
public enum HostPath {
  /// The longest path that a call takes, with the zero at its end (PATH_MAX).
  private static let longest = 4096
  private static let slash = UInt8(ascii: "/")

  /// Opens a directory to name what is in it (O_PATH). A path may be longer than calls take: then it is opened piece by piece.
  public static func openDirectory(_ path: [UInt8]) throws(Errno) -> FileDescriptor {
    var rest = path[...]
    var opened: FileDescriptor?
    while rest.count >= longest {
      guard let end = rest.prefix(longest - 1).lastIndex(of: slash) else { throw .nameTooLong }
      opened = try open(rest[...end], in: opened)
      rest = rest[end...].drop { $0 == slash }
    }
    guard !rest.isEmpty || opened == nil else { return opened! }
    return try open(rest, in: opened)
  }

  private static func open(
    _ path: ArraySlice<UInt8>, in directory: consuming FileDescriptor?
  ) throws(Errno) -> FileDescriptor {
    let start = directory?.rawValue ?? AT_FDCWD
    let opened = try (Array(path) + [0]).withUnsafeBytesTyped { (bytes) throws(Errno) in
      try retryingInterrupts {
        linux_mark_directory(start, bytes.baseAddress!.assumingMemoryBound(to: CChar.self))
      }
    }
    return FileDescriptor(owning: opened)
  }

  /// The path of the directory that a path leads to an entry of, and that entry's name.
  public static func split(_ path: [UInt8]) -> (parent: [UInt8], name: [UInt8]) {
    let trimmed = path.prefix { _ in true }.reversed().drop { $0 == slash }.reversed()
    let name = Array(trimmed.reversed().prefix { $0 != slash }.reversed())
    let parent = Array(trimmed.dropLast(name.count))
    return (parent.isEmpty ? Array(".".utf8) : parent, name)
  }
}
