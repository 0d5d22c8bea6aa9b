import Glibc
import PosixCalls
import SystemIO

/// A new directory of the host and a new subject, both empty, on which steps are taken.
final class Pair {
  private let directory: ReferenceDirectory
  private let subject: any Subject
  private let reference: Side
  private let fork: Side
  private let started = time(nil)
  /// What the latest step showed on the reference.
  private(set) var latest: [Observation] = []

  /// - Parameter forgets: steps that the subject pretends to take only: a difference to find.
  init(_ subject: any Subject, forgets: @escaping (Step) -> Bool = { _ in false }) throws {
    self.subject = subject
    directory = try ReferenceDirectory()
    reference = try Side("reference", at: directory.path)
    fork = try Side("fork", at: subject.root, forgets: forgets)
  }

  deinit {
    reference.leave()
    fork.leave()
  }

  /// Takes a step on both sides; returns what differs.
  func take(_ step: Step) throws -> String? {
    latest = []
    if let error = subject.known.failureOfFork(step.action) {
      return fork.take(step).isFailure ? nil : "the fork should fail with \(error)"
    }
    let expected = reference.takeObserved(step)
    let found = fork.takeObserved(step)
    latest = expected.1
    if !subject.known.allows(step.action, expected.0, found.0) {
      if let difference = difference(expected.0, found.0) { return difference }
    }
    for pair in zip(expected.1, found.1) {
      guard let difference = difference(pair.0, pair.1, step.action, expected.0) else { continue }
      return "\(pair.0.place): \(difference)"
    }
    guard case .whole(let action) = step.action else { return nil }
    return try take(action)
  }

  private func take(_ action: WholeAction) throws -> String? {
    switch action {
    case .compare: try compareTrees(at: fork.root)
    case .compareFork: try subject.withFork { try compareTrees(at: $0).map { "in a fork of the fork: \($0)" } }
    case .remount: try whileAway { try subject.remount() }
    case .restart: try whileAway { try subject.restart() }
    case .setMask, .statistics, .synchronize: nil
    }
  }

  /// Has nobody use either side for a moment, and compares the trees after that.
  private func whileAway(_ body: () throws -> Void) throws -> String? {
    reference.leave()
    fork.leave()
    try body()
    try reference.enter()
    try fork.enter()
    return try compareTrees(at: fork.root)
  }

  private func compareTrees(at path: String) throws -> String? {
    let clock = Int64(started - 1)...Int64(time(nil) + 1)
    let expected = try TreeListing(of: directory.path, clock: clock)
    let found = try TreeListing(of: path, clock: clock)
    return found.difference(from: expected) { path in
      reference.isUnsettled(expected.inodes[path]) || fork.isUnsettled(found.inodes[path])
    }
  }

  private func difference(_ expected: Outcome, _ found: Outcome) -> String? {
    for (outcome, side) in [(expected, reference), (found, fork)] {
      if let rule = outcome.brokenRule { return "\(side.name): \(rule)" }
    }
    guard expected != found else { return nil }
    return "reference: \(expected), fork: \(found) \(found.firstDifference(from: expected) ?? "")"
  }

  private func difference(
    _ expected: Observation, _ found: Observation, _ action: Action, _ outcome: Outcome
  ) -> String? {
    if let rule = found.brokenRule { return rule }
    var withTimes = !expected.isUnsettled && !found.isUnsettled
    if withTimes, let status = try? expected.after.get(), subject.known.allowsTimes(action, outcome, status) {
      withTimes = false
      reference.setTimesToNow(expected.place)
      fork.setTimesToNow(expected.place)
    }
    let (shown, shownByFork) = (expected.shared(withTimes: withTimes), found.shared(withTimes: withTimes))
    return shown == shownByFork ? nil : "then the reference shows \(shown), the fork \(shownByFork)"
  }
}
