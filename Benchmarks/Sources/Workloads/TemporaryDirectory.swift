import Glibc
import Synchronization
import SystemIO

/// A directory of its own for one measurement; it goes with its owner, at the latest with the process.
public final class TemporaryDirectory: Sendable {
  public let path: String

  /// - Parameter parent: the directory to make it in; it decides which disk is measured.
  public init(in parent: String = TemporaryDirectory.defaultParent, _ prefix: String = "tine-benchmark") throws {
    var template = Array((parent + "/" + prefix + "-XXXXXX").utf8CString)
    guard template.withUnsafeMutableBufferPointer({ mkdtemp($0.baseAddress!) }) != nil else { throw Errno.last }
    let path = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
    self.path = path
    let isFirst = Self.remaining.withLock { remaining in
      remaining.insert(path)
      return remaining.count == 1
    }
    if isFirst { atexit { TemporaryDirectory.removeRemaining() } }
  }

  /// `/tmp` is often in memory, so it is not asked.
  public static var defaultParent: String { getenv("TINE_BENCHMARK_DIR").map { String(cString: $0) } ?? "/var/tmp" }

  public func path(_ name: String) -> String { path + "/" + name }

  deinit {
    removeTree(path)
    Self.remaining.withLock { _ = $0.remove(path) }
  }

  /// A harness may keep what it measures until the process ends.
  private static let remaining = Mutex<Set<String>>([])

  private static func removeRemaining() {
    for path in remaining.withLock({ $0 }) { removeTree(path) }
  }
}

/// Removes a directory and what is below it, but nothing that is mounted there.
public func removeTree(_ path: String) { _ = try? Program("rm", "-rf", "--one-file-system", path).run() }
