extension HeadState {
  /// The head that it was taken from, also where that is gone; 0 where there is none, or where nobody noted it.
  fileprivate var originID: UInt64 { kind == .snapshot ? ownerID : forkPoint?.origin ?? 0 }
}

extension Catalog {
  /// Where the ways of two heads part.
  enum Branch {
    /// They are one head.
    case same
    /// Where this one was taken.
    case branch(HeadState)
  }

  /// Where two heads part: what the one of them began with that left their last common ancestor first. Nil where they
  /// have none that is still there.
  func firstBranch(of one: HeadState, _ other: HeadState) -> Branch? {
    var ways: [UInt64: HeadState?] = [:]
    for (ancestor, child) in lineage(of: one) { ways[ancestor] = .some(child) }
    for (ancestor, child) in lineage(of: other) {
      guard let otherChild = ways[ancestor] else { continue }
      // One that is its own ancestor has never left.
      switch (child, otherChild) {
      case (nil, nil): return .same
      case (let left?, nil), (nil, let left?): return .branch(left)
      case (let left?, let right?): return .branch(left.createdLSN < right.createdLSN ? left : right)
      }
    }
    return nil
  }

  /// A head and its ancestors, the nearest first, each with the one that was taken from it on the way.
  private func lineage(of head: HeadState) -> [(ancestor: UInt64, child: HeadState?)] {
    var lineage: [(UInt64, HeadState?)] = [(head.id, nil)]
    var child = head
    // Each is older than what was taken from it, so a damaged catalog cannot lead in a circle.
    while child.originID < child.id, let parent = byID[child.originID] {
      lineage.append((parent.id, child))
      child = parent
    }
    return lineage
  }
}
