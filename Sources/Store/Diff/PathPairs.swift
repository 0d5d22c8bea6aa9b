import Tree

// What is at each path in the old state is paired with what is at the same path in the new one, whatever inodes they
// are: files that an editor replaced, or that two forks made apart, are compared as files. Both trees are walked from
// the root, but only into what ChangedNames marks.
//
// Directories that were renamed are found by their inodes, so that what is below one is compared with what it was, and
// what did not change below is not looked at. A directory is known again only where that takes no path from another:
// its old path is gone (or is that of another renamed directory), and so is whatever directory was at its new path. So
// a chain or a circle of renames comes out as such; but where one directory was made anew in the place of another, both
// are compared name by name, and only that lists whole directories.
//
//   pair        a path with something of one kind in both states, or a directory and what it was renamed to
//   gone        a path that only the old state has, or at which it has something of another kind
//   came        the same of the new state
//   waiting     a directory that is gone or came, and is in the other state, where the walk has not met it yet
//   doubtful    two directories at one path that may both be known from elsewhere

/// Two inodes that are compared: what is at a path, with what was there, or at the path that it was renamed from.
struct PathPair {
  let old: InodeNumber
  let oldPlace: PathTree<PathEntry>.Place
  let new: InodeNumber
  var isRenamed = false
}

/// What was found at a path. Of a path with something of another kind both `gone` and one of the others are there.
struct PathEntry {
  var gone: InodeNumber?
  var came: InodeNumber?
  var pair: PathPair?
  /// Whether something of another kind is at the path in the new state than in the old one.
  var changesKind = false
}

/// Pairs the paths of two states.
struct PathPairs {
  typealias Place = PathTree<PathEntry>.Place

  let old: StateReader
  let new: StateReader
  let changed: ChangedNames
  private(set) var paths = PathTree(empty: PathEntry())

  private struct Directories {
    let old: InodeNumber
    let new: InodeNumber
    let oldPlace: Place
    let newPlace: Place
  }

  private enum Task {
    case visit(Directories)
    case remove(InodeNumber, Place)
    case insert(InodeNumber, Place)
  }

  private var pending: [Task] = []
  /// Directories that were paired, or that nothing can be paired with, in each state.
  private var settledOld: Set<InodeNumber> = [1]
  private var settledNew: Set<InodeNumber> = [1]
  private var waitingOld: [InodeNumber: Place] = [:]
  private var waitingNew: [InodeNumber: Place] = [:]
  /// Directories that were renamed.
  private var recognized: Set<InodeNumber> = []
  /// Under either inode.
  private var doubtfulByOld: [InodeNumber: Directories] = [:]
  private var doubtfulByNew: [InodeNumber: Directories] = [:]

  init(_ old: StateReader, _ new: StateReader) throws(TreeError) {
    self.old = old
    self.new = new
    changed = try ChangedNames(from: old, to: new)
    try pairAll()
  }

  private mutating func pairAll() throws(TreeError) {
    let root = PathTree<PathEntry>.root
    if changed.inodes[1] != nil { paths[root].pair = PathPair(old: 1, oldPlace: root, new: 1) }
    pending.append(.visit(Directories(old: 1, new: 1, oldPlace: root, newPlace: root)))
    while true {
      while let task = pending.popLast() { try run(task) }
      if !doubtfulByOld.isEmpty {
        for doubtful in doubtfulByOld.values.sorted(by: { $0.oldPlace < $1.oldPlace }) { try rename(doubtful) }
      } else if !waitingOld.isEmpty {
        for (inode, place) in waitingOld.sorted(by: { $0.value < $1.value }) {
          try recognize(inode, old: place, new: paths.place(pathNames(inode, new)))
        }
      } else if !waitingNew.isEmpty {
        for (inode, place) in waitingNew.sorted(by: { $0.value < $1.value }) {
          try recognize(inode, old: paths.place(pathNames(inode, old)), new: place)
        }
      } else {
        return
      }
    }
  }

  private mutating func run(_ task: Task) throws(TreeError) {
    switch task {
    case .visit(let directories): try visit(directories)
    case .remove(let inode, let place):
      for entry in try old.entries(inode) { try add(gone: entry.inode, at: paths.place(place, entry.name)) }
    case .insert(let inode, let place):
      for entry in try new.entries(inode) { try add(came: entry.inode, at: paths.place(place, entry.name)) }
    }
  }

  // MARK: Names

  private mutating func visit(_ directories: Directories) throws(TreeError) {
    var oldNames: [[UInt8]: InodeNumber] = [:]
    var newNames: [[UInt8]: InodeNumber] = [:]
    if directories.old == directories.new {
      oldNames = changed.old[directories.old] ?? [:]
      newNames = changed.new[directories.new] ?? [:]
      let (onlyOld, onlyNew) = (Set(oldNames.keys), Set(newNames.keys))
      for name in onlyNew.subtracting(onlyOld) { oldNames[name] = try old.child(directories.old, name) }
      for name in onlyOld.subtracting(onlyNew) { newNames[name] = try new.child(directories.new, name) }
    } else {
      for entry in try old.entries(directories.old) { oldNames[entry.name] = entry.inode }
      for entry in try new.entries(directories.new) { newNames[entry.name] = entry.inode }
    }
    for name in Set(oldNames.keys).union(newNames.keys).sorted(by: { $0.lexicographicallyPrecedes($1) }) {
      switch (oldNames[name], newNames[name]) {
      case (let before?, let after?):
        let places = (paths.place(directories.oldPlace, name), paths.place(directories.newPlace, name))
        try pair(before, places.0, after, places.1)
      case (let before?, nil): try add(gone: before, at: paths.place(directories.oldPlace, name))
      case (nil, let after?): try add(came: after, at: paths.place(directories.newPlace, name))
      case (nil, nil): break
      }
    }
  }

  /// Two inodes at one path.
  private mutating func pair(
    _ oldInode: InodeNumber, _ oldPlace: Place, _ newInode: InodeNumber, _ newPlace: Place
  ) throws(TreeError) {
    let (before, after) = (try old.namedInode(oldInode), try new.namedInode(newInode))
    guard before.type == after.type else {
      paths[oldPlace].changesKind = true
      paths[newPlace].changesKind = true
      try add(gone: oldInode, at: oldPlace)
      try add(came: newInode, at: newPlace)
      return
    }
    guard before.isDirectory else {
      paths[newPlace].pair = PathPair(old: oldInode, oldPlace: oldPlace, new: newInode)
      return
    }
    let directories = Directories(old: oldInode, new: newInode, oldPlace: oldPlace, newPlace: newPlace)
    if oldInode == newInode {
      try settle(directories)
    } else if recognized.contains(oldInode) || recognized.contains(newInode) {
      try add(gone: oldInode, at: oldPlace)
      try add(came: newInode, at: newPlace)
    } else if try isElsewhere(oldInode, in: new, settledNew), try isElsewhere(newInode, in: old, settledOld) {
      doubtfulByOld[oldInode] = directories
      doubtfulByNew[newInode] = directories
    } else {
      try settle(directories)
    }
  }

  /// Whether a directory may still be found in the other state.
  private func isElsewhere(
    _ inode: InodeNumber, in state: StateReader, _ settled: Set<InodeNumber>
  ) throws(TreeError) -> Bool {
    if settled.contains(inode) { return false }
    return try state.inode(inode)?.isDirectory == true
  }

  private mutating func add(gone inode: InodeNumber, at place: Place) throws(TreeError) {
    if recognized.contains(inode) { return }
    paths[place].gone = inode
    guard try old.namedInode(inode).isDirectory else { return }
    if let newPlace = waitingNew[inode] {
      try recognize(inode, old: place, new: newPlace)
    } else if try isElsewhere(inode, in: new, settledNew) {
      waitingOld[inode] = place
    } else {
      try meet(old: inode)
      pending.append(.remove(inode, place))
    }
  }

  private mutating func add(came inode: InodeNumber, at place: Place) throws(TreeError) {
    if recognized.contains(inode) { return }
    paths[place].came = inode
    guard try new.namedInode(inode).isDirectory else { return }
    if let oldPlace = waitingOld[inode] {
      try recognize(inode, old: oldPlace, new: place)
    } else if try isElsewhere(inode, in: old, settledOld) {
      waitingNew[inode] = place
    } else {
      try meet(new: inode)
      pending.append(.insert(inode, place))
    }
  }

  // MARK: Directories

  /// Pairs two directories at one path for good. So neither can be known from elsewhere.
  private mutating func settle(_ directories: Directories) throws(TreeError) {
    var settling = [directories]
    while let next = settling.popLast() {
      // Most directories are only on the way to what changed.
      if next.old != next.new || changed.inodes[next.old] != nil {
        paths[next.newPlace].pair = PathPair(old: next.old, oldPlace: next.oldPlace, new: next.new)
      }
      try meet(old: next.old, new: next.new)
      pending.append(.visit(next))
      guard next.old != next.new else { continue }
      // Their other ends, each in the other state.
      if let doubtful = takeDoubtful(doubtfulByNew[next.old]) { settling.append(doubtful) }
      if let doubtful = takeDoubtful(doubtfulByOld[next.new]) { settling.append(doubtful) }
      if let place = waitingNew.removeValue(forKey: next.old) { try add(came: next.old, at: place) }
      if let place = waitingOld.removeValue(forKey: next.new) { try add(gone: next.new, at: place) }
    }
  }

  private mutating func takeDoubtful(_ doubtful: Directories?) -> Directories? {
    guard let doubtful else { return nil }
    doubtfulByOld[doubtful.old] = nil
    doubtfulByNew[doubtful.new] = nil
    return doubtful
  }

  /// A directory is in one place: what is met twice is damage.
  private mutating func meet(old: InodeNumber? = nil, new: InodeNumber? = nil) throws(TreeError) {
    if let old, !settledOld.insert(old).inserted { throw .damaged("the directory \(old) has several names") }
    if let new, !settledNew.insert(new).inserted { throw .damaged("the directory \(new) has several names") }
  }

  /// Both directories are known from elsewhere.
  private mutating func rename(_ doubtful: Directories) throws(TreeError) {
    guard takeDoubtful(doubtfulByOld[doubtful.old]) != nil else { return }
    try add(gone: doubtful.old, at: doubtful.oldPlace)
    try add(came: doubtful.new, at: doubtful.newPlace)
  }

  /// A directory that went from one path to another.
  private mutating func recognize(_ inode: InodeNumber, old oldPlace: Place, new newPlace: Place) throws(TreeError) {
    guard recognized.insert(inode).inserted else { return }
    waitingOld[inode] = nil
    waitingNew[inode] = nil
    try meet(old: inode, new: inode)
    if paths[oldPlace].gone == inode { paths[oldPlace].gone = nil }
    if paths[newPlace].came == inode { paths[newPlace].came = nil }
    paths[newPlace].pair = PathPair(old: inode, oldPlace: oldPlace, new: inode, isRenamed: true)
    pending.append(.visit(Directories(old: inode, new: inode, oldPlace: oldPlace, newPlace: newPlace)))
  }

  /// The names that lead to a directory, from the root on.
  private func pathNames(_ inode: InodeNumber, _ state: StateReader) throws(TreeError) -> [[UInt8]] {
    var names: [[UInt8]] = []
    var inode = inode
    var seen: Set<InodeNumber> = []
    while inode != 1 {
      guard seen.insert(inode).inserted else { throw .damaged("the directory \(inode) is inside itself") }
      guard let name = try state.names(of: inode).first else { throw .damaged("inode \(inode) has no name") }
      names.append(name.name)
      inode = name.parent
    }
    return names.reversed()
  }
}
