import Glibc
import Ledger
import Synchronization
import SystemIO
import Tree

// What was dropped or overwritten takes space until a collection. Where a change finds the disk full it lets go of all locks, has a collection run,
// and tries again. One collection serves all who wait for it. It is only run where it can be expected to free something: where a fork or
// snapshot was dropped since the last one, or pages were removed or overwritten. Such pages may be in use by other forks, and a collection costs what
// the whole store costs; so for them collections take a tenth of the time at most.

/// What is known of space that a collection may free.
final class FullDisk: Sendable {
  struct State {
    var isCollecting = false
    /// Collections that ended, and whether the last one failed.
    var collections: UInt64 = 0
    var hasFailed = false
    /// Before this moment no other one is run for pages alone, nor for anything where the last one failed.
    var next = ContinuousClock.now
  }

  /// A collection that has ended.
  struct Collection {
    let hasFailed: Bool
    let duration: Duration
  }

  /// After a collection that failed.
  private static let pauseAfterFailure = Duration.seconds(5)

  /// What can be expected to come back.
  struct Garbage {
    var heads: Int64
    var pages: Int64
  }

  let state = Monitor(State())
  /// Since the last collection began. What was dropped before this process opened the store is not known, so at first there may be one.
  private let heads = Atomic<Int64>(1)
  private let pages = Atomic<Int64>(0)

  /// Waits until more than so many collections have ended, some time at most.
  func wait(after collections: UInt64, atMost duration: Duration) {
    _ = state.wait(atMost: Int(duration / .milliseconds(1)) + 1) { $0.collections == collections ? nil : () }
  }

  func end(_ collection: Collection) {
    state.notifyAll { state in
      state.isCollecting = false
      state.collections += 1
      state.hasFailed = collection.hasFailed
      state.next = .now + (collection.hasFailed ? Self.pauseAfterFailure : collection.duration * 9)
    }
  }

  var garbage: Garbage {
    Garbage(heads: heads.load(ordering: .relaxed), pages: pages.load(ordering: .relaxed))
  }

  func note(_ garbage: Garbage) {
    heads.wrappingAdd(garbage.heads, ordering: .relaxed)
    pages.wrappingAdd(garbage.pages, ordering: .relaxed)
  }

  /// A collection begins: it sees what was done so far.
  func take() -> Garbage {
    Garbage(heads: heads.exchange(0, ordering: .relaxed), pages: pages.exchange(0, ordering: .relaxed))
  }
}

extension Store {
  /// Fewer pages than that are not worth a collection.
  private static let worthwhilePages: Int64 = 256
  /// How long a change waits until a collection can begin, or for one that another one has begun.
  private static let patience = Duration.seconds(10)

  /// Runs a change, and runs it again where the disk was full and a collection has freed space since. No lock may be held.
  ///
  /// - Parameters:
  ///   - isFull: whether an error says that the disk is full.
  ///   - body: a change; where it throws it has changed nothing.
  func collectingOnFullDisk<Result, Failure: Error>(
    _ isFull: (Failure) -> Bool, _ body: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let before = fullDisk.state.withLock { $0.collections }
    do throws(Failure) { return try body() } catch {
      guard isFull(error), collectOnFullDisk(after: before) else { throw error }
    }
    return try body()
  }

  /// Whether somebody who may wait could get space by a collection.
  func mayCollectOnFullDisk() -> Bool {
    fullDisk.state.withLock { $0.isCollecting || pauseBeforeCollection($0) != nil }
  }

  /// How long to wait until a collection may begin; nil where none is worthwhile.
  private func pauseBeforeCollection(_ state: FullDisk.State) -> Duration? {
    let garbage = fullDisk.garbage
    let pause = max(.zero, ContinuousClock.now.duration(to: state.next))
    if state.hasFailed, pause > .zero { return nil }
    if garbage.heads > 0 { return .zero }
    return garbage.pages >= Self.worthwhilePages && pause <= Self.patience ? pause : nil
  }

  private enum Turn {
    case collect
    case wait(after: UInt64, atMost: Duration)
    case ended(isWorthwhile: Bool)
  }

  /// Frees space, or waits until another one has; returns whether it is worthwhile to try again.
  ///
  /// - Parameter before: the number of collections that had ended before the disk was found to be full.
  func collectOnFullDisk(after before: UInt64) -> Bool {
    let deadline = ContinuousClock.now + Self.patience
    while true {
      let turn = fullDisk.state.withLock { state -> Turn in
        let left = ContinuousClock.now.duration(to: deadline)
        if left <= .zero { return .ended(isWorthwhile: false) }
        if state.isCollecting { return .wait(after: state.collections, atMost: left) }
        if state.collections > before { return .ended(isWorthwhile: !state.hasFailed) }
        guard let pause = pauseBeforeCollection(state) else { return .ended(isWorthwhile: false) }
        if pause > .zero { return .wait(after: state.collections, atMost: min(pause, left)) }
        state.isCollecting = true
        return .collect
      }
      switch turn {
      case .ended(let isWorthwhile): return isWorthwhile
      case .wait(let collections, let duration): fullDisk.wait(after: collections, atMost: duration)
      case .collect: startCollecting()
      }
    }
  }

  /// On a thread of its own: a collection may take longer than anybody waits for it.
  private func startCollecting() {
    let context = Unmanaged.passRetained(self)
    var thread = pthread_t()
    let result = pthread_create(
      &thread, nil,
      { context in
        let (fullDisk, collection) = Store.collect(Unmanaged.fromOpaque(context!))
        fullDisk.end(collection)
        return nil
      }, context.toOpaque())
    guard result == 0 else {
      context.release()
      fullDisk.end(collectForAll())
      return
    }
    pthread_detach(thread)
  }

  /// The store is let go of before anybody learns of the end.
  private static func collect(_ context: Unmanaged<Store>) -> (FullDisk, FullDisk.Collection) {
    let store = context.takeRetainedValue()
    return (store.fullDisk, store.collectForAll())
  }

  private func collectForAll() -> FullDisk.Collection {
    let began = ContinuousClock.now
    // Sealing alone gives back what was reserved ahead, so how much was removed does not matter.
    let report = try? collectGarbage { !isStopping }
    return FullDisk.Collection(hasFailed: report == nil, duration: began.duration(to: .now))
  }
}
