import Control
import Glibc
import Logging
import Synchronization
import SystemIO

/// Where log messages go: standard error, which is the file `daemon.log` of the daemon's directory where `tine` has started the daemon.
///
/// That file is replaced when it is full: the worker renames it to `daemon.log.1` and begins another; the supervisor, which writes to it too, sees that
/// the name means another file by now, and follows. A line that comes again and again is counted and not written.
final class LogFile: Sendable {
  private struct Repetitions {
    var line: String?
    var count = 0
    var began = ContinuousClock.now
  }

  private let repetitions = Mutex(Repetitions())
  /// Nil where standard error is something else.
  private let path: String?
  private let isWorker: Bool
  private let limit: Int64

  /// How often the same line is written within a minute.
  private static let mostRepetitions = 5

  /// - Parameters:
  ///   - directory: an open one in which `daemon.log` is, so that it is found again where the directory is renamed.
  ///   - limit: how many bytes the log may have until it is replaced.
  init(in directory: consuming FileDescriptor?, isWorker: Bool, limit: Int64 = 8 << 20) {
    path = Self.path(in: directory)
    self.isWorker = isWorker
    self.limit = limit
  }

  private static func path(in directory: consuming FileDescriptor?) -> String? {
    guard let directory else { return nil }
    let path = "/proc/self/fd/\(directory.rawValue)/daemon.log"
    guard isStandardError(path) else { return nil }
    _ = directory.release()
    return path
  }

  /// Writes a line, with the time.
  func write(_ line: String) {
    repetitions.withLock { repetitions in
      if repetitions.line == line, repetitions.began.duration(to: .now) < .seconds(60) {
        repetitions.count += 1
        if repetitions.count <= Self.mostRepetitions { put(line) }
        return
      }
      let unwritten = repetitions.count - Self.mostRepetitions
      if unwritten > 0, let last = repetitions.line { put("\(last) (\(unwritten) times more)") }
      repetitions = Repetitions(line: line, count: 1)
      put(line)
    }
  }

  /// One write a line: lines of several threads and processes do not mix.
  private func put(_ line: String) {
    if let path { keepShort(path) }
    let bytes = Array("\(now) \(line)\n".utf8)
    _ = Glibc.write(STDERR_FILENO, bytes, bytes.count)
  }

  private var now: Moment {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Moment(nanoseconds: UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec))
  }

  // MARK: Replacing the file

  private func keepShort(_ path: String) {
    if !Self.isStandardError(path) { reopen(path) }
    var status = stat()
    guard isWorker, fstat(STDERR_FILENO, &status) == 0, status.st_size >= limit else { return }
    // Where the older one cannot be replaced, the present one begins anew.
    if rename(path, path + ".1") == 0 { reopen(path) } else { _ = ftruncate(STDERR_FILENO, 0) }
  }

  /// What is in the place of the log and is no log is left alone; messages go on into the file that is open.
  private func reopen(_ path: String) {
    guard let file = try? FileDescriptor(log: path) else { return }
    dup2(file.rawValue, STDERR_FILENO)
    dup2(file.rawValue, STDOUT_FILENO)
  }

  private static func isStandardError(_ path: String) -> Bool {
    var own = stat()
    var named = stat()
    return fstat(STDERR_FILENO, &own) == 0 && lstat(path, &named) == 0 && own.st_dev == named.st_dev
      && own.st_ino == named.st_ino
  }
}

/// Writes log messages into the log file: the level, what happened, and its details. They may hold names, so whatever a terminal would obey is
/// written as an escape.
struct LogLines: LogHandler {
  let file: LogFile
  var metadata: Logger.Metadata = [:]
  var logLevel: Logger.Level

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    let fields = metadata.merging(event.metadata ?? [:]) { _, new in new }
    let details = fields.sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }.joined()
    file.write("\(event.level) \(Quoting.harmless("\(event.message)\(details)"))")
  }
}
