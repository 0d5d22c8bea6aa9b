public import Store
import Synchronization
public import SystemIO
import Tree

/// Who uses which inode: the kernel's look-ups and open handles. An inode without a name lives until its last user goes.
///
/// A process that takes a mount over from one that was killed knows only the uses that it gave out itself: its counts are
/// partial. They then say nothing, and whoever serves the users has to learn from them which inodes they use.
final class References: Sendable {
  private struct State {
    var counts: [InodeNumber: Int] = [:]
    /// Inodes that have no name any more.
    var nameless: Set<InodeNumber> = []
    var arePartial = false
  }

  private let state = Mutex(State())

  /// From here on there are uses that were not counted.
  func becamePartial(nameless: [InodeNumber]) {
    state.withLock { state in
      state.nameless.formUnion(nameless)
      state.arePartial = true
    }
  }

  /// Whether an inode has no name and may be unused, and the counts do not tell.
  func isInDoubt(_ inode: InodeNumber) -> Bool {
    state.withLock { $0.arePartial && $0.nameless.contains(inode) }
  }

  func retain(_ inode: InodeNumber, by count: Int) {
    state.withLock { $0.counts[inode, default: 0] += count }
  }

  /// Returns whether the last user of an inode without a name has gone; false where that is in doubt.
  func release(_ inode: InodeNumber, by count: Int) -> Bool {
    state.withLock { state in
      guard let old = state.counts[inode] else { return false }
      if old > count {
        state.counts[inode] = old - count
        return false
      }
      state.counts[inode] = nil
      return !state.arePartial && state.nameless.contains(inode)
    }
  }

  /// Notes that an inode has no name any more; returns whether nobody uses it. Where counts are partial somebody does, and will
  /// let go of it.
  func becameNameless(_ inode: InodeNumber) -> Bool {
    state.withLock { state in
      state.nameless.insert(inode)
      return !state.arePartial && state.counts[inode] == nil
    }
  }

  /// Notes that an inode has a name again, or is gone.
  func isNotNameless(_ inode: InodeNumber) {
    state.withLock { _ = $0.nameless.remove(inode) }
  }
}

extension FileSystem {
  /// Counts uses of an inode: a look-up that the kernel remembers, or an open handle.
  public func retain(_ inode: InodeNumber, by count: Int = 1) {
    references.retain(inode, by: count)
  }

  /// Takes uses back. When the last one of an inode without a name goes, the inode goes too, unless that is in doubt.
  public func release(_ inode: InodeNumber, by count: Int = 1) throws(Errno) {
    if references.release(inode, by: count), !isReadOnly { try purge(inode) }
  }

  /// Takes over from a process that was killed, whose users go on. To be called before anything else.
  ///
  /// - Returns: the inodes without a name. Whether they are used is in doubt.
  public func inheritUses() throws(Errno) -> [InodeNumber] {
    let nameless = try orphans()
    references.becamePartial(nameless: nameless)
    return nameless
  }

  /// Whether an inode has no name, and only its users can tell whether there are any.
  public func isInDoubt(_ inode: InodeNumber) -> Bool { references.isInDoubt(inode) }

  /// Removes an inode without a name, of which it is certain that nobody uses it.
  public func removeUnused(_ inode: InodeNumber) throws(Errno) { try purge(inode) }

  /// Notes that an inode lost its last name in a record that is applied, and purges it where nobody uses it. Where that fails it stays
  /// an orphan, which the next mount purges: the name is gone, so the call that took it has succeeded.
  func becameNameless(_ inode: InodeNumber) {
    if references.becameNameless(inode) { try? purge(inode) }
  }

  /// Removes inodes that lost their last name while a process that is gone had them open, or whose fork was taken while they were
  /// open. To be called by the one who mounts the fork, before anybody uses it.
  public func purgeOrphans() throws(Errno) {
    for inode in try orphans() { try purge(inode) }
  }

  private func orphans() throws(Errno) -> [InodeNumber] {
    try reading { (tree) throws(TreeError) in
      var found: [InodeNumber] = []
      try tree.scan(TreeKey.orphans) { key, _ in
        found.append(key.item)
        return true
      }
      return found
    }
  }

  /// This finishes what another record has begun, so it waits for the disk even where the call may not.
  private func purge(_ inode: InodeNumber) throws(Errno) {
    try blockingVolume.transaction(.purge) { (transaction) throws(Errno) in
      // It may have been given a name again (linkat on an O_TMPFILE), or be purged already.
      guard let item = try transaction.reading({ (tree) throws(TreeError) in try tree.inode(inode) }), item.links == 0
      else { return }
      let all = TreeKey.range(of: inode)
      transaction.mutation.add(.removeRange(all.lowerBound, all.upperBound))
      transaction.remove(.orphan(inode))
      transaction.mutation.inodes = -1
      transaction.mutation.pages = -Int64(item.pages)
    }
    references.isNotNameless(inode)
  }
}
