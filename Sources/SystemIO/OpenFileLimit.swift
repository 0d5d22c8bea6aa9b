import CLinux

/// How many files this process may have open.
public enum OpenFileLimit {
  /// Raises it as far as this user may: each segment of a store is an open file. Children inherit that.
  public static func raise() {
    var soft: UInt64 = 0
    var hard: UInt64 = 0
    guard linux_get_limit(linux_open_files, &soft, &hard) == 0 else { return }
    _ = linux_set_limit(linux_open_files, hard, hard)
  }

  /// What it is now.
  public static var current: Int {
    var soft: UInt64 = 0
    var hard: UInt64 = 0
    return linux_get_limit(linux_open_files, &soft, &hard) == 0 ? Int(clamping: soft) : 1024
  }
}
