import Glibc
import Processes
import SystemIO

/// Notices that a worker gives no sign of life. Time in which this process or the machine sleeps does not count.
struct HeartbeatWatch {
  private var lastSign: SuspendingClock.Instant?
  private var lastLook = SuspendingClock.now
  private var isSilent = false

  /// A sign of life; returns what to report where it ends a silence.
  mutating func note() -> String? {
    defer {
      lastSign = .now
      isSilent = false
    }
    guard isSilent, let lastSign else { return nil }
    return "the worker answers again, after \(lastSign.duration(to: .now).components.seconds) s"
  }

  /// Looks whether one is due, some times a second; returns what to report, once for each silence.
  mutating func look(at worker: Child) -> String? {
    let now = SuspendingClock.now
    defer { lastLook = now }
    if lastLook.duration(to: now) > Heartbeat.interval { lastSign = lastSign.map { _ in now } }
    guard let lastSign, !isSilent, lastSign.duration(to: now) > Heartbeat.longestSilence else { return nil }
    isSilent = true
    let seconds = lastSign.duration(to: now).components.seconds
    return "the worker (process \(worker.process), \(state(of: worker))) has given no sign of life for \(seconds) s"
  }

  /// As /proc tells it, such as `T (stopped)`.
  private func state(of worker: Child) -> String {
    let bytes = try? FileDescriptor(opening: "/proc/\(worker.process)/status", flags: O_RDONLY).readAll()
    let line = String(decoding: bytes ?? [], as: UTF8.self).split(separator: "\n").first { $0.hasPrefix("State:") }
    return line.map { $0.dropFirst("State:".count).drop { $0.isWhitespace }.lowercased() } ?? "gone"
  }
}
