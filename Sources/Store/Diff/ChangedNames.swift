import Tree

/// What two trees tell of their differences before anything is resolved to paths: inodes whose content or attributes
/// may differ, and in each tree the names at or below which something does.
///
/// Its size follows the number of changed names and extents, and of the directories above them.
struct ChangedNames {
  typealias Marks = [InodeNumber: [[UInt8]: InodeNumber]]

  /// Of inodes that both trees have: what differs, if it may be more than times and link counts.
  private(set) var inodes: [InodeNumber: InodeDifference] = [:]
  /// By directory, names with what they lead to.
  private(set) var old: Marks = [:]
  private(set) var new: Marks = [:]

  init(from oldState: StateReader, to newState: StateReader) throws(TreeError) {
    var lost: [(InodeNumber, BackReferenceItem)] = []
    var gained: [(InodeNumber, BackReferenceItem)] = []
    var relevant: [InodeNumber: InodeDifference] = [:]
    try oldState.pool.inodeDifferences(from: oldState.tree, to: newState.tree) { (difference) throws(TreeError) in
      lost += difference.lostNames.map { (difference.inode, $0) }
      gained += difference.gainedNames.map { (difference.inode, $0) }
      if difference.isInBoth, difference.isRelevant { relevant[difference.inode] = difference }
    }
    inodes = relevant
    for (inode, name) in lost { try Self.mark(inode, name, oldState, &old) }
    for (inode, name) in gained { try Self.mark(inode, name, newState, &new) }
    for inode in relevant.keys where inode != 1 {
      for name in try oldState.names(of: inode) { try Self.mark(inode, name, oldState, &old) }
      for name in try newState.names(of: inode) { try Self.mark(inode, name, newState, &new) }
    }
  }

  /// Marks a name and those of the directories above it.
  private static func mark(
    _ inode: InodeNumber, _ name: BackReferenceItem, _ state: StateReader, _ marks: inout Marks
  ) throws(TreeError) {
    var (inode, name) = (inode, name)
    while true {
      let isFirst = marks[name.parent] == nil
      marks[name.parent, default: [:]][name.name] = inode
      guard isFirst, name.parent != 1 else { return }
      inode = name.parent
      // One without a name has only what was taken out of it.
      guard let above = try state.names(of: inode).first else { return }
      name = above
    }
  }
}
