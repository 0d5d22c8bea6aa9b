import Synchronization
import SystemIO
import Tree

/// A tree that stays as it is while somebody walks it: the state of a fork at one moment, kept from collection, without a name. It costs what a fork costs.
final class PinnedTree: Sendable {
  let tree: Tree
  private let store: Store
  private let token: UInt64

  fileprivate init(_ store: Store, _ tree: Tree, token: UInt64) {
    self.store = store
    self.tree = tree
    self.token = token
  }

  deinit { store.pins.withLock { _ = $0.removeValue(forKey: token) } }
}

extension Store {
  /// Keeps the present state; nil where the head was dropped meanwhile, for a collection may have taken what it led to.
  func pin(_ head: HeadState) -> PinnedTree? {
    gate.withReading {
      head.mutation.withLock { _ in
        // With the catalog's lock, so that the head is dropped either before, or when the pin is there.
        catalog.withLock { _ in head.isGone ? nil : pinLocked(head) }
      }
    }
  }

  private func pinLocked(_ head: HeadState) -> PinnedTree {
    let tree = pool.changingRoots {
      let tree = head.tree
      // What the fork changes from now on it copies first.
      head.tree.epoch = makeEpoch()
      return tree
    }
    let token = makeEpoch()
    pins.withLock { $0[token] = tree }
    return PinnedTree(self, tree, token: token)
  }

  /// Keeps the state that a fork began with; nil where it has none, or where the fork was dropped meanwhile.
  func pinForkPoint(of head: HeadState) -> PinnedTree? {
    gate.withReading {
      catalog.withLock { _ in
        guard !head.isGone, let forkPoint = head.forkPoint else { return nil }
        let token = makeEpoch()
        pins.withLock { $0[token] = forkPoint.tree }
        return PinnedTree(self, forkPoint.tree, token: token)
      }
    }
  }

  func pin(_ reference: Reference) throws(StoreError) -> PinnedTree {
    let head = try catalog.withLock { (catalog) throws(StoreError) in try catalog.find(reference) }
    guard let pinned = pin(head) else { throw StoreError(.noSuchName, "there is no '\(reference)' any more") }
    return pinned
  }
}
