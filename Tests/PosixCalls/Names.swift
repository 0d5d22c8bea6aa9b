public import CPosix
import Glibc
public import SystemIO

/// Flags of renameat2(2).
public struct RenameFlags: OptionSet, Hashable, Sendable {
  public let rawValue: UInt32
  public init(rawValue: UInt32) { self.rawValue = rawValue }
  public static let noReplace = RenameFlags(rawValue: posix_RENAME_NOREPLACE)
  public static let exchange = RenameFlags(rawValue: posix_RENAME_EXCHANGE)
  public static let whiteout = RenameFlags(rawValue: posix_RENAME_WHITEOUT)
}

extension Path {
  public func makeDirectory(mode: mode_t = 0o755) throws(Errno) {
    try retryingInterrupts { withCString { mkdir($0, mode) } }
  }

  public func removeDirectory() throws(Errno) { try retryingInterrupts { withCString { rmdir($0) } } }

  public func unlink() throws(Errno) { try retryingInterrupts { withCString { Glibc.unlink($0) } } }

  /// mknod(2); the mode holds the kind.
  public func makeNode(mode: mode_t, device: dev_t = 0) throws(Errno) {
    try retryingInterrupts { withCString { mknod($0, mode, device) } }
  }

  public func makeSymbolicLink(to target: Path) throws(Errno) {
    try retryingInterrupts { target.withCString { target in withCString { symlink(target, $0) } } }
  }

  public func readSymbolicLink() throws(Errno) -> [UInt8] {
    var target = [UInt8](repeating: 0, count: Int(PATH_MAX))
    let count = try retryingInterrupts {
      withCString { path in
        target.withUnsafeMutableBytes { readlink(path, $0.baseAddress!.assumingMemoryBound(to: CChar.self), $0.count) }
      }
    }
    return Array(target[..<count])
  }

  /// linkat(2) of this file; of what a symbolic link leads to with `followsLink`.
  public func link(to new: Path, followsLink: Bool = false) throws(Errno) {
    try retryingInterrupts {
      withCString { old in
        new.withCString { linkat(AT_FDCWD, old, AT_FDCWD, $0, followsLink ? posix_AT_SYMLINK_FOLLOW : 0) }
      }
    }
  }

  /// rename(2), or renameat2(2) with flags.
  public func rename(to new: Path, _ flags: RenameFlags = []) throws(Errno) {
    try retryingInterrupts {
      withCString { old in new.withCString { renameat2(AT_FDCWD, old, AT_FDCWD, $0, flags.rawValue) } }
    }
  }
}

extension OpenFile {
  /// Gives a file that has no name one: linkat(2) with AT_EMPTY_PATH where the caller may, otherwise as `open.path`.
  public func link(to new: Path) throws(Errno) {
    try retryingInterrupts { new.withCString { linkat(descriptor, "", AT_FDCWD, $0, posix_AT_EMPTY_PATH) } }
  }
}
