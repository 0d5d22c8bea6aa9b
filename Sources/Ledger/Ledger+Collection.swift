import Synchronization

/// What garbage collection and the search for duplicates tell each other.
struct CollectionState {
  /// While a collection marks: the segments in which a duplicate was found meanwhile. They stay.
  var touched: Set<UInt32>?
  /// Segments that were removed since the ledger was opened. The table of duplicates may still name them.
  var removed: Set<UInt32> = []
}

extension Ledger {
  /// Begins to note the segments in which duplicates are found. Called before the collection looks at its roots.
  public func beginMarking() { collection.withLock { $0.touched = [] } }

  /// Removes those of the segments in which no duplicate was found since `beginMarking`, and stops noting. Returns what was
  /// removed, and the bytes that this gave back.
  ///
  /// - Parameter dead: segments that nothing refers to, all of them before the last checkpoint.
  public func sweep(_ dead: [UInt32]) throws(LedgerError) -> (segments: [UInt32], bytes: UInt64) {
    let removable = collection.withLock { state in
      let removable = dead.filter { state.touched?.contains($0) == false }
      state.removed.formUnion(removable)
      state.touched = nil
      return removable
    }
    var bytes: UInt64 = 0
    for number in removable {
      bytes += try segments.size(number)
      try segments.remove(number)
    }
    if !removable.isEmpty { try segments.synchronizeNames() }
    return (removable, bytes)
  }

  /// Gives up a collection.
  public func cancelMarking() { collection.withLock { $0.touched = nil } }

  /// Keeps a segment in which a duplicate was found; false where it is gone already.
  func keepFromCollection(_ segment: UInt32) -> Bool {
    collection.withLock { state in
      if state.removed.contains(segment) { return false }
      state.touched?.insert(segment)
      return true
    }
  }
}
