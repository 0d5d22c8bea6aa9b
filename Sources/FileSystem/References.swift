public import Store
import Synchronization
public import SystemIO
import Tree

/// Who uses which inode: the kernel's look-ups and open handles. An inode without a name lives until its last user goes.
final class References: Sendable {
  private struct State {
    var counts: [InodeNumber: Int] = [:]
    /// Inodes that have no name any more.
    var nameless: Set<InodeNumber> = []
  }

  private let state = Mutex(State())

  func retain(_ inode: InodeNumber, by count: Int) {
    state.withLock { $0.counts[inode, default: 0] += count }
  }

  /// Returns whether the last user of an inode without a name has gone.
  func release(_ inode: InodeNumber, by count: Int) -> Bool {
    state.withLock { state in
      guard let old = state.counts[inode] else { return false }
      if old > count {
        state.counts[inode] = old - count
        return false
      }
      state.counts[inode] = nil
      return state.nameless.contains(inode)
    }
  }

  /// Notes that an inode has no name any more; returns whether nobody uses it.
  func becameNameless(_ inode: InodeNumber) -> Bool {
    state.withLock { state in
      state.nameless.insert(inode)
      return state.counts[inode] == nil
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

  /// Takes uses back. When the last one of an inode without a name goes, the inode goes too.
  public func release(_ inode: InodeNumber, by count: Int = 1) throws(Errno) {
    if references.release(inode, by: count), !isReadOnly { try purge(inode) }
  }

  /// Notes that an inode lost its last name in a record that is applied, and purges it where nobody uses it. Where that fails it stays
  /// an orphan, which the next mount purges: the name is gone, so the call that took it has succeeded.
  func becameNameless(_ inode: InodeNumber) {
    if references.becameNameless(inode) { try? purge(inode) }
  }

  /// Removes inodes that lost their last name while a process that is gone had them open, or whose fork was taken while they were
  /// open. To be called by the one who mounts the fork, before anybody uses it.
  public func purgeOrphans() throws(Errno) {
    let orphans = try reading { (tree) throws(TreeError) in
      var found: [InodeNumber] = []
      try tree.scan(TreeKey.orphans) { key, _ in
        found.append(key.item)
        return true
      }
      return found
    }
    for inode in orphans { try purge(inode) }
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
