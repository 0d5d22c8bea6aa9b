import Ledger
import Tree

/// Two states of forks or snapshots, kept as they are for as long as somebody compares them.
///
/// What differs is told path by path: something of the same kind with the same content and attributes is no difference,
/// whatever inode it is. Neither times nor links count, and directories are told when they come, go, move or change
/// their attributes, not because of what changed in them. It takes memory for each changed name, and for each changed
/// extent of files.
public final class Comparison {
  /// What was there, and what is there, to read.
  public let old: Volume
  public let new: Volume
  private let oldState: StateReader
  private let newState: StateReader
  private let paths: PathTree<PathEntry>
  private let files: FileComparison
  /// By the place of what came, the place of what it was.
  private let renames: [PathTree<PathEntry>.Place: PathTree<PathEntry>.Place]
  /// By the place of what was renamed, where it is now.
  private let movers: [PathTree<PathEntry>.Place: PathTree<PathEntry>.Place]
  private let order: PathOrder
  private var oldPaths = PathWriter()
  private var newPaths = PathWriter()

  init(_ store: Store, old: Volume, _ oldTree: Tree, new: Volume, _ newTree: Tree) throws(TreeError) {
    self.old = old
    self.new = new
    oldState = StateReader(store, oldTree)
    newState = StateReader(store, newTree)
    let pairs = try PathPairs(oldState, newState)
    paths = pairs.paths
    files = FileComparison(old: oldState, new: newState, changed: pairs.changed)
    renames = Dictionary(
      uniqueKeysWithValues: try FileRenames(pairs, files).found.map { ($0.came, $0.gone) })
    order = paths.inOrder()
    var movers: [PathTree<PathEntry>.Place: PathTree<PathEntry>.Place] = [:]
    for (place, entry) in paths.entries.enumerated() {
      if let pair = entry.pair, pair.isRenamed { movers[pair.oldPlace] = place }
    }
    for (place, source) in renames { movers[source] = place }
    self.movers = movers
  }

  /// Gives the changes to `body` until it returns false. What left a path comes before what took its place, but where
  /// renames are a circle. Otherwise a directory comes before what is in it, and names in the order of their bytes.
  public func forEachChange(_ body: (Change) -> Bool) throws(StoreError) {
    do throws(TreeError) {
      var told = Told(sources: Set(renames.values))
      guard try tellWhatMakesRoom(&told, body) else { return }
      _ = try tell(below: PathTree<PathEntry>.root, &told, body)
    } catch {
      throw StoreError(error, during: "compare \(old.name) with \(new.name)")
    }
  }
}

extension Comparison {
  private typealias Place = PathTree<PathEntry>.Place

  private struct Told {
    /// What was renamed from there is told where it is now.
    let sources: Set<Place>
    /// Places of which was told what came there from elsewhere, before the others.
    var moved: Set<Place> = []
    /// Places of which was told what went.
    var gone: Set<Place> = []
    /// Places of which was told what went from below.
    var cleared: Set<Place> = []
  }

  /// Tells what was renamed and has left its path to something else. What was added is told later, so nothing comes to
  /// a path that is still to be left.
  private func tellWhatMakesRoom(_ told: inout Told, _ body: (Change) -> Bool) throws(TreeError) -> Bool {
    var making: [Place] = []
    for (source, place) in movers where isTaken(source) { making.append(place) }
    var seen: Set<Place> = []
    for place in making.sorted(by: order.precedes) where seen.insert(place).inserted {
      var chain = [place]
      while let next = chain.last {
        if let ahead = mover(from: next, notIn: seen) {
          seen.insert(ahead)
          chain.append(ahead)
          continue
        }
        chain.removeLast()
        if told.moved.contains(next) { continue }
        guard try tell(below: next, isAddedToo: false, &told, body) else { return false }
      }
    }
    return true
  }

  /// Whether the new state may have something at a path of the old one.
  private func isTaken(_ source: Place) -> Bool {
    if paths[source].changesKind || paths[source].came != nil || paths[source].pair != nil { return true }
    var above = source
    while above != PathTree<PathEntry>.root {
      above = paths.parent(above)
      if paths[above].pair?.isRenamed == true { return true }
    }
    return false
  }

  /// Where that is now which was at a path, or above it.
  private func mover(from place: Place, notIn seen: Set<Place>) -> Place? {
    var place = place
    while place != PathTree<PathEntry>.root {
      if let mover = movers[place], !seen.contains(mover) { return mover }
      place = paths.parent(place)
    }
    return nil
  }

  private func tell(
    below first: Place, isAddedToo: Bool = true, _ told: inout Told, _ body: (Change) -> Bool
  ) throws(TreeError) -> Bool {
    try order.visit(from: first) { (place) throws(TreeError) in
      guard try tellAllGone(place, &told, body) else { return false }
      if !isAddedToo, paths[place].came != nil, renames[place] == nil { return true }
      if told.moved.contains(place) { return true }
      if !isAddedToo { told.moved.insert(place) }
      return try tellNew(place, body)
    }
  }

  /// All that went from a path makes room for what came, and that may bring more along.
  private func tellAllGone(_ place: Place, _ told: inout Told, _ body: (Change) -> Bool) throws(TreeError) -> Bool {
    guard paths[place].changesKind || paths[place].pair?.isRenamed == true, !told.cleared.contains(place) else {
      return try tellGone(place, &told, body)
    }
    return try order.visit(from: place) { (below) throws(TreeError) in
      told.cleared.insert(below)
      return try tellGone(below, &told, body)
    }
  }

  private func tellGone(_ place: Place, _ told: inout Told, _ body: (Change) -> Bool) throws(TreeError) -> Bool {
    guard let inode = paths[place].gone, !told.sources.contains(place), told.gone.insert(place).inserted else {
      return true
    }
    let item = try oldState.namedInode(inode)
    let side = Change.Side(inode: inode, item, path: oldPaths.path(place, in: paths))
    return body(Change(kind: .removed, old: side, new: nil, pages: [], attributes: []))
  }

  private func tellNew(_ place: Place, _ body: (Change) -> Bool) throws(TreeError) -> Bool {
    let entry = paths[place]
    if let inode = entry.came {
      if let source = renames[place], let before = paths[source].gone {
        return try tell(PathPair(old: before, oldPlace: source, new: inode, isRenamed: true), place, body)
      }
      let item = try newState.namedInode(inode)
      var pages: [Range<UInt64>] = []
      if item.isRegular {
        for extent in try newState.extents(of: inode) { pages.join(extent.page..<extent.end) }
      }
      let side = Change.Side(inode: inode, item, path: newPaths.path(place, in: paths))
      return body(Change(kind: .added, old: nil, new: side, pages: pages, attributes: []))
    }
    if let pair = entry.pair { return try tell(pair, place, body) }
    return true
  }

  private func tell(_ pair: PathPair, _ place: Place, _ body: (Change) -> Bool) throws(TreeError) -> Bool {
    let (before, after) = (try oldState.namedInode(pair.old), try newState.namedInode(pair.new))
    let outcome = try files.compare(pair.old, before, pair.new, after)
    if outcome.isEmpty, !pair.isRenamed { return true }
    return body(
      Change(
        kind: pair.isRenamed ? .renamed : .modified,
        old: Change.Side(inode: pair.old, before, path: oldPaths.path(pair.oldPlace, in: paths)),
        new: Change.Side(inode: pair.new, after, path: newPaths.path(place, in: paths)), pages: outcome.pages,
        attributes: outcome.attributes))
  }
}

extension Change.Side {
  fileprivate init(inode: InodeNumber, _ item: InodeItem, path: [UInt8]) {
    self.init(inode: inode, mode: item.mode, size: item.size, path: path)
  }
}

// MARK: What a renamed directory took with it

extension Comparison {
  /// Two directories that are the same path by path; `place` is nil where nothing that is below differs.
  private struct Moved {
    let old: InodeNumber
    let new: InodeNumber
    let oldPath: [UInt8]
    let newPath: [UInt8]
    let place: Place?
  }

  /// Gives what is below a renamed directory and is told by no change of its own to `body`, with both paths, until it
  /// returns false. Directories are left out. It takes as long as there is something below.
  public func forEachUnchanged(below directory: Change, _ body: (Change) -> Bool) throws(StoreError) {
    guard let before = directory.old, let after = directory.new, before.inode == after.inode else { return }
    do throws(TreeError) {
      var pending = [
        Moved(
          old: before.inode, new: after.inode, oldPath: before.path, newPath: after.path,
          place: paths.known(after.path))
      ]
      while let directory = pending.popLast() {
        for entry in try newState.entries(directory.new) {
          let place = directory.place.flatMap { paths.known($0, entry.name) }
          guard let inode = try oldState.child(directory.old, entry.name), isPaired(inode, entry.inode, at: place)
          else { continue }
          let (oldItem, newItem) = (try oldState.namedInode(inode), try newState.namedInode(entry.inode))
          let oldPath = directory.oldPath + [UInt8(ascii: "/")] + entry.name
          let newPath = directory.newPath + [UInt8(ascii: "/")] + entry.name
          if newItem.isDirectory {
            pending.append(Moved(old: inode, new: entry.inode, oldPath: oldPath, newPath: newPath, place: place))
          } else if try files.compare(inode, oldItem, entry.inode, newItem).isEmpty {
            let sides = (
              Change.Side(inode: inode, oldItem, path: oldPath), Change.Side(inode: entry.inode, newItem, path: newPath)
            )
            guard body(Change(kind: .renamed, old: sides.0, new: sides.1, pages: [], attributes: [])) else { return }
          }
        }
      }
    } catch {
      throw StoreError(error, during: "compare \(old.name) with \(new.name)")
    }
  }

  /// Whether what has one name in two directories that are compared is compared too: another inode in the place of the
  /// first was met by the walk, which did not know it from elsewhere.
  private func isPaired(_ old: InodeNumber, _ new: InodeNumber, at place: Place?) -> Bool {
    if old == new { return true }
    guard let place, let pair = paths[place].pair else { return false }
    return !pair.isRenamed && pair.old == old && pair.new == new
  }
}
