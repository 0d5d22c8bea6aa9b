import Ledger
import Tree

/// Finds files that are at another path: what went and what came are the same inode, or in second place have the same
/// bytes, which are not none.
struct FileRenames {
  typealias Place = PathTree<PathEntry>.Place

  private struct File {
    let place: Place
    let inode: InodeNumber
    let item: InodeItem
  }

  /// What files of the same content have in common; costs no reading of blocks.
  private struct Content: Hashable {
    let size: UInt64
    let pages: UInt64
    let mode: UInt32
  }

  private let pairs: PathPairs
  private let comparison: FileComparison
  private var gone: [File] = []
  private var came: [File] = []
  /// The pairs that were found, by the place of what came.
  private(set) var found: [(gone: Place, came: Place)] = []

  init(_ pairs: PathPairs, _ comparison: FileComparison) throws(TreeError) {
    self.pairs = pairs
    self.comparison = comparison
    try gather()
    findEqualInodes()
    try findEqualContent()
  }

  /// What is not a directory. A path at which the kind changed is left out, with all below it: there a file makes room
  /// for what comes.
  private mutating func gather() throws(TreeError) {
    let paths = pairs.paths
    try paths.inOrder().visit(from: 0, enter: { !paths[$0].changesKind }) { (place) throws(TreeError) in
      let entry = paths[place]
      if entry.changesKind { return true }
      if let inode = entry.gone {
        let item = try pairs.old.namedInode(inode)
        if !item.isDirectory { gone.append(File(place: place, inode: inode, item: item)) }
      }
      if let inode = entry.came {
        let item = try pairs.new.namedInode(inode)
        if !item.isDirectory { came.append(File(place: place, inode: inode, item: item)) }
      }
      return true
    }
  }

  private mutating func findEqualInodes() {
    var places: [InodeNumber: [Place]] = [:]
    for file in came.reversed() { places[file.inode, default: []].append(file.place) }
    var taken: Set<Place> = []
    gone.removeAll { file in
      guard let place = places[file.inode]?.popLast() else { return false }
      found.append((file.place, place))
      taken.insert(place)
      return true
    }
    came.removeAll { taken.contains($0.place) }
  }

  private mutating func findEqualContent() throws(TreeError) {
    let sources = groups(gone)
    let targets = groups(came)
    for (content, files) in sources {
      guard let others = targets[content] else { continue }
      try match(files, others)
    }
  }

  private func groups(_ files: [File]) -> [Content: [File]] {
    Dictionary(grouping: files.filter { $0.item.isRegular && $0.item.size > 0 }) { file in
      Content(size: file.item.size, pages: file.item.pages, mode: file.item.type)
    }
  }

  private mutating func match(_ files: [File], _ others: [File]) throws(TreeError) {
    var targets: [Digest: [File]] = [:]
    for file in others { targets[try digest(of: file.inode, pairs.new), default: []].append(file) }
    for file in files {
      let digest = try digest(of: file.inode, pairs.old)
      guard var candidates = targets[digest], !candidates.isEmpty else { continue }
      let name = pairs.paths.name(file.place)
      let index = candidates.firstIndex { pairs.paths.name($0.place) == name } ?? 0
      guard try comparison.haveEqualContent(file.inode, candidates[index].inode) else { continue }
      found.append((file.place, candidates.remove(at: index).place))
      targets[digest] = candidates
    }
  }

  /// A digest of the digests of a file's pages and of where they are.
  private func digest(of inode: InodeNumber, _ state: StateReader) throws(TreeError) -> Digest {
    do throws(LedgerError) {
      var sum = Digest(low: 0, high: 0)
      for extent in try state.contentExtents(of: inode) {
        for index in 0..<Int(extent.item.count) {
          let page = try state.ledger.digest(of: extent.item.first.advanced(by: index))
          sum = Digest(of: [sum.low, sum.high, extent.page + UInt64(index), page.low, page.high])
        }
      }
      return sum
    } catch {
      throw TreeError(error)
    }
  }
}

extension StateReader {
  fileprivate func contentExtents(of inode: InodeNumber) throws(LedgerError) -> [FileExtent] {
    do throws(TreeError) { return try extents(of: inode) } catch { throw LedgerError(error) }
  }
}

extension Digest {
  fileprivate init(of numbers: [UInt64]) {
    self = numbers.withUnsafeBytes { Digest(of: $0) }
  }
}
