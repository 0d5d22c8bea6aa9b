import Glibc
import SystemIO
import TestSupport

/// A new directory of the host's file system, where the steps are taken that a fork is compared with. It is mounted
/// without times of access, as forks are, and seems the root of a file system as well.
final class ReferenceDirectory {
  let path: String

  /// The directory on disk that it is made in.
  static let parent = environment("TINE_DIFFERENTIAL_REFERENCE") ?? "/var/tmp"

  init() throws(Errno) {
    var template = Array("\(Self.parent)/tine-reference-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw .last }
    path = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
    try retryingInterrupts { mount(path, path, nil, UInt(MS_BIND), nil) }
    let flags = MS_BIND | MS_REMOUNT | MS_NOATIME
    try retryingInterrupts { mount(nil, path, nil, UInt(flags), nil) }
    try retryingInterrupts { chmod(path, 0o755) }
  }

  deinit {
    umount2(path, Int32(MNT_DETACH))
    shell("rm -rf '\(path)'")
  }
}

/// A variable of the environment that is set and not empty.
func environment(_ name: String) -> String? {
  guard let value = getenv(name), value[0] != 0 else { return nil }
  return String(cString: value)
}
