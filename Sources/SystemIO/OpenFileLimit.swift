import Glibc

/// How many files this process may have open.
public enum OpenFileLimit {
  /// Raises it as far as this user may: each segment of a store is an open file. Children inherit that.
  public static func raise() {
    var limit = rlimit()
    let files = __rlimit_resource_t(7)  // RLIMIT_NOFILE
    guard getrlimit(files, &limit) == 0 else { return }
    limit.rlim_cur = limit.rlim_max
    setrlimit(files, &limit)
  }
}
