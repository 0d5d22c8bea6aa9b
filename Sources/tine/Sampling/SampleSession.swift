import Control
import Glibc
import Processes
import SystemIO

/// Carries out a plan: many attempts, each in a fork of the same state, and the best kept.
final class SampleSession: Sendable {
  private struct State {
    /// The attempts that are over, and whether their forks are there still.
    var results: [AttemptResult] = []
    var kept: Set<String> = []
    var failure: Failure?
  }

  private let plan: SamplePlan
  private let engine: RemoteEngine
  private let store: String
  private let interruptions: Interruptions
  private let bar = ProgressBar()
  private let state = Monitor(State())

  init(_ plan: SamplePlan, engine: RemoteEngine, store: String, interruptions: Interruptions) {
    self.plan = plan
    self.engine = engine
    self.store = store
    self.interruptions = interruptions
  }

  /// Makes all attempts and returns them ranked, the best first. Where one cannot be made, or the person interrupts,
  /// nothing is left behind.
  func run() throws(Failure) -> [RankedAttempt] {
    do throws(Errno) { try ChildProcesses.adoptOrphans() } catch {
      throw Failure(.failed, "cannot adopt processes: \(error)")
    }
    let origin = try Origin(plan.origin, for: plan.name, engine: engine)
    do throws(Errno) {
      try Worker.forEach(1...plan.attempts, jobs: plan.jobs) { self.make($0, origin) }
    } catch {
      state.withLock { $0.failure = Failure(.failed, "cannot start a thread: \(error)") }
    }
    bar.clear()
    let (results, kept, failure) = state.withLock { ($0.results, $0.kept, $0.failure) }
    if let failure = interruptions.arePending ? .interrupted : failure {
      for name in kept { Console.reportFailure { () throws(Failure) in try engine.drop(name) } }
      Console.reportFailure { () throws(Failure) in try origin.close() }
      throw failure
    }
    for name in kept { try engine.session().keep(name) }
    try origin.close()
    let ranked = results.sorted { $0.isBetter(than: $1) }
    return ranked.enumerated().map { RankedAttempt($1, rank: $0 + 1, kept: kept.contains($1.name)) }
  }

  /// One attempt from fork to verdict, on a thread of its own. After a failure none is begun.
  private func make(_ number: Int, _ origin: Origin) {
    if interruptions.arePending || state.withLock({ $0.failure != nil }) { return }
    do throws(Failure) {
      let name = "\(plan.name)-\(number)"
      try origin.fork(name)
      do throws(Failure) {
        try settle(try attempt(number, name, origin))
      } catch {
        try engine.drop(name)
        throw error
      }
    } catch {
      state.withLock { $0.failure = $0.failure ?? error }
    }
  }

  private func attempt(_ number: Int, _ name: String, _ origin: Origin) throws(Failure) -> AttemptResult {
    let workspace = try Workspace(mounting: name, of: store, engine: engine, shownAt: plan.shownAt)
    let trial: Trial.Outcome
    do throws(Failure) {
      trial = try Trial(plan: plan, number: number, workspace: workspace, store: store, interruptions: interruptions)
        .run()
    } catch {
      try workspace.close()
      throw error
    }
    try workspace.close()
    var changes = ChangeSummary()
    try engine.diff(DiffRequest(old: origin.reference, new: name)) { change in
      changes.add(change)
      return true
    }
    return AttemptResult(
      attempt: number, name: name, ending: trial.ending, score: trial.score, seconds: trial.seconds,
      changes: changes, lastLine: trial.lastLine)
  }

  /// Enters a result, and drops the fork that is not among the best any more.
  private func settle(_ result: AttemptResult) throws(Failure) {
    let loser: String? = state.withLock { state in
      state.results.append(result)
      guard result.mayBeKept else { return result.name }
      state.kept.insert(result.name)
      guard state.kept.count > plan.keepBest else { return nil }
      let worst = state.results.filter { state.kept.contains($0.name) }.max { $0.isBetter(than: $1) }
      return worst.flatMap { state.kept.remove($0.name) }
    }
    let done = state.withLock { UInt64($0.results.count) }
    bar.show(Progress(activity: "sampling", done: done, total: UInt64(plan.attempts), unit: .attempts))
    if let loser { try engine.drop(loser) }
  }
}
