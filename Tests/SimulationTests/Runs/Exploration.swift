import Ledger
import TestSupport

/// A workload with a crash after which the store broke its promise.
struct Failure: Error, CustomStringConvertible {
  let steps: [Step]
  let crash: CrashPoint?
  let reason: String

  var description: String {
    let place = crash.map { "a crash after effect \($0.effects), leaving \($0.survival)" } ?? "no crash"
    return "\(reason), after \(place), in \(steps)"
  }
}

/// Crashes workloads at every effect.
struct Exploration {
  /// How many random survivals are tried at each effect, beside everything and nothing.
  var survivals = 2
  var seed: UInt64 = 0
  var sabotage: Sabotage?
  var omission: RecordingDisk.Omission?
  /// How many crashes were recovered from.
  private(set) var crashPoints = 0

  /// Carries steps out, and recovers from a crash after each effect.
  mutating func explore(_ steps: [Step]) throws(Failure) {
    let recording: Recording
    do {
      var workload = try Workload(sabotage: sabotage, omission: omission)
      for step in steps { try workload.run(step) }
      recording = workload.finished()
    } catch {
      throw Failure(steps: steps, crash: nil, reason: "\(error)")
    }
    var images = CrashImages(recording.start)
    for (index, effect) in recording.effects.enumerated() {
      images.apply(effect)
      guard index + 1 >= recording.firstEffect else { continue }
      for survival in survivals(at: index) {
        let crash = CrashPoint(effects: index + 1, survival: survival)
        do { try recording.verify(images.image(survival), after: crash) } catch {
          throw Failure(steps: steps, crash: crash, reason: "\(error)")
        }
        crashPoints += 1
      }
    }
  }

  private func survivals(at index: Int) -> [Survival] {
    [.everything, .nothing] + (0..<survivals).map { .some(seed: seed &* 1_000_003 &+ UInt64(index * survivals + $0)) }
  }

  /// The shortest workload that still fails, found by leaving steps out.
  static func shrink(_ failure: Failure, _ explore: ([Step]) throws(Failure) -> Void) -> Failure {
    var shortest = failure
    var index = 0
    while index < shortest.steps.count {
      var steps = shortest.steps
      steps.remove(at: index)
      do throws(Failure) {
        try explore(steps)
        index += 1
      } catch {
        shortest = error
      }
    }
    return shortest
  }
}
