import Synchronization

/// A flag that one thread gets to set.
struct AtomicFlag: ~Copyable, Sendable {
  private let value = Atomic(false)

  /// True for the one call that finds it unset.
  func set() -> Bool {
    value.compareExchange(expected: false, desired: true, ordering: .acquiringAndReleasing).exchanged
  }

  func clear() { value.store(false, ordering: .releasing) }
}
