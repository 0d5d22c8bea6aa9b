import Glibc
import SystemIO

/// What the kernel lets a mounted file system keep dirty, in /sys/class/bdi.
///
/// A FUSE mount begins with one percent of what others may have, and a strict limit at that, because a daemon that does not
/// write would keep the pages for ever. Who writes to memory or with `writesBack` then waits most of the time.
struct BackingDevice {
  private let directory: String

  init(_ device: dev_t) {
    directory = "/sys/class/bdi/\(device.majorAndMinor)"
  }

  /// Lifts the limits to those of a disk. Only root may, and a container may have no such files: then they stay.
  func liftDirtyLimits() {
    guard geteuid() == 0 else { return }
    do {
      try write("0", to: "strict_limit")
      try write("100", to: "max_ratio")
    } catch {
      Log.write("cannot lift the limits in \(directory), so writing back stays slow: \(error)")
    }
  }

  private func write(_ value: String, to name: String) throws(Errno) {
    let file = try FileDescriptor(opening: "\(directory)/\(name)", flags: O_WRONLY)
    try retryingInterrupts { Glibc.write(file.rawValue, value, value.utf8.count) }
  }
}
