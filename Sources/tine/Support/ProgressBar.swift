import Control
import Glibc
import Synchronization
import SystemIO

/// Shows on standard error how far a long operation has come, where that is a terminal.
final class ProgressBar: Sendable {
  private struct State {
    var drawn = false
    var lastDrawn: Moment?
    let started = Moment.now
  }

  private let state = Mutex(State())

  /// Draws a report, ten times a second at most.
  func show(_ progress: Progress) {
    guard Console.errorIsTerminal else { return }
    state.withLock { state in
      let now = Moment.now
      if let last = state.lastDrawn, now.seconds(since: last) < 0.1 { return }
      state.lastDrawn = now
      state.drawn = true
      Console.draw("\r" + line(progress, elapsed: now.seconds(since: state.started)) + "\u{1B}[K")
    }
  }

  /// Takes the bar away.
  func clear() {
    state.withLock { state in
      if state.drawn { Console.draw("\r\u{1B}[K") }
      state.drawn = false
    }
  }

  private func line(_ progress: Progress, elapsed: Double) -> String {
    let activity = Quoting.harmless(progress.activity)
    let done = figure(progress.done, progress.unit)
    guard let total = progress.total, total > 0 else {
      return "\(activity)  \(done)  \(Units.duration(seconds: elapsed))"
    }
    let share = min(1, Double(progress.done) / Double(total))
    let filled = Int(share * Double(Self.width))
    let bar = String(repeating: "━", count: filled) + String(repeating: "─", count: Self.width - filled)
    let figures = progress.unit == .bytes ? done : Units.grouped(progress.done)
    var line = "\(activity)  \(bar)  \(Int(share * 100)) %  \(figures) of \(figure(total, progress.unit))"
    if share > 0.02 && share < 1 && elapsed > 1 {
      line += "  \(Units.duration(seconds: elapsed / share * (1 - share))) left"
    }
    return line
  }

  private func figure(_ number: UInt64, _ unit: Progress.Unit) -> String {
    unit == .bytes ? Units.bytes(number) : "\(Units.grouped(number)) \(unit.rawValue)"
  }

  private static let width = 28
}
