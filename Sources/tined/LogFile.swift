import Control
import Glibc
import Logging
import SystemIO

/// Writes log messages to standard error, which is the store's daemon.log: one line each, with the time.
/// Messages may hold names, so whatever a terminal would obey is written as an escape.
struct LogFile: LogHandler {
  var metadata: Logger.Metadata = [:]
  var logLevel: Logger.Level = .info

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    let fields = metadata.merging(event.metadata ?? [:]) { _, new in new }
    let details = fields.sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }.joined()
    let text = Quoting.harmless("\(event.message)\(details)")
    let line = Array("\(now) \(event.level) \(text)\n".utf8)
    // One write a line: lines of several threads do not mix.
    _ = write(STDERR_FILENO, line, line.count)
  }

  private var now: Moment {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Moment(nanoseconds: UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec))
  }
}
