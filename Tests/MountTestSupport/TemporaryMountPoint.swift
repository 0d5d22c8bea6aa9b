import Glibc
import SystemIO

/// A new directory to mount on. With its owner, whatever is mounted there is taken off, and it goes.
public final class TemporaryMountPoint {
  public let path: String

  public init() throws {
    var template = Array("/tmp/tine-mount-XXXXXX".utf8CString)
    guard let path = mkdtemp(&template) else { throw ServerProcess.Failure(description: "no directory: \(Errno.last)") }
    self.path = String(cString: path)
  }

  deinit {
    umount2(path, Int32(MNT_DETACH))
    rmdir(path)
  }

  /// Why tests that mount are left out here; nil where they run.
  public static var obstacle: String? {
    if geteuid() != 0 { return "tests that mount need root" }
    return access("/dev/fuse", R_OK | W_OK) == 0 ? nil : "tests that mount need /dev/fuse"
  }
}
