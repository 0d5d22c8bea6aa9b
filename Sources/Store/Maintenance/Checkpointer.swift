import Glibc
import Ledger
import Synchronization
import SystemIO
import Tree

/// The thread that takes checkpoints when enough was appended or changed since the last one.
final class Checkpointer: Sendable {
  struct State {
    var isRunning = false
    var shouldStop = false
    /// The last error, until a checkpoint succeeds.
    var failure: StoreError?
  }

  let state = Monitor(State())
}

extension Store {
  /// How often the thread looks whether a checkpoint is due, in milliseconds.
  private static let interval = 200
  /// One that failed is likely to fail again: a full disk stays full for a while.
  private static let pauseAfterFailure = Duration.seconds(5)

  func startCheckpointing() {
    checkpointer.state.withLock { $0.isRunning = true }
    let context = Unmanaged.passRetained(self)
    var thread = pthread_t()
    let result = pthread_create(
      &thread, nil,
      { context in
        let store = Unmanaged<Store>.fromOpaque(context!).takeRetainedValue()
        store.takeCheckpointsUntilStopped()
        return nil
      }, context.toOpaque())
    precondition(result == 0, "a thread can't be made")
    pthread_detach(thread)
  }

  /// Whether the store is being closed.
  var isStopping: Bool { checkpointer.state.withLock { $0.shouldStop } }

  func stopCheckpointing() {
    checkpointer.state.notifyAll { $0.shouldStop = true }
    checkpointer.state.wait { $0.isRunning ? nil : () }
  }

  /// Why the last checkpoint in the background failed; nil when it did not. The store goes on: its ledger only grows
  /// longer.
  public var checkpointFailure: StoreError? { checkpointer.state.withLock { $0.failure } }

  private func takeCheckpointsUntilStopped() {
    var next = ContinuousClock.now
    while checkpointer.state.wait(atMost: Self.interval, { $0.shouldStop ? true : nil }) == nil {
      guard .now >= next, isCheckpointDue else { continue }
      do throws(StoreError) {
        try collectingOnFullDisk({ $0.kind == .noSpace }) { () throws(StoreError) in try checkpoint() }
        note(nil)
      } catch {
        next = .now + Self.pauseAfterFailure
        note(error)
      }
    }
    checkpointer.state.notifyAll { $0.isRunning = false }
  }

  /// Keeps how a checkpoint ended, and tells where it is news.
  private func note(_ failure: StoreError?) {
    let isNews = checkpointer.state.withLock { state in
      defer { state.failure = failure }
      return (state.failure == nil) != (failure == nil)
    }
    if isNews { options.onCheckpointFailure?(failure) }
  }

  private var isCheckpointDue: Bool {
    if pool.dirtyCount >= options.checkpointNodes { return true }
    let published = maintenance.withLock { $0.published }
    return ledger.bytes(since: published) >= options.checkpointBytes
  }
}
