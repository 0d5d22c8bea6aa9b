import CPosix
import Glibc
public import SystemIO

/// A directory that is mounted once more with the owners of its files shifted: users and groups 0 to 65535 are
/// `first` and on at the mount point. Taken off with its owner.
public final class ShiftedMount: Sendable {
  public static let first: UInt32 = 1_000_000
  public let path: Path

  public init(of source: Path, at path: Path) throws(Errno) {
    self.path = path
    try retryingInterrupts {
      source.withCString { source in
        path.withCString { posix_mount_shifted(source, $0, Self.first, 65536) }
      }
    }
  }

  deinit { _ = path.withCString { umount2($0, Int32(MNT_DETACH)) } }
}
