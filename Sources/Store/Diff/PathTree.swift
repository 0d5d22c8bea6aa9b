/// Paths of either state, each kept once: a name, and the directory that it is in.
struct PathTree<Entry> {
  typealias Place = Int

  private struct Key: Hashable {
    let parent: Place
    let name: [UInt8]
  }

  /// The root of the fork.
  static var root: Place { 0 }

  private var places: [Key: Place] = [:]
  private var keys = [Key(parent: -1, name: [UInt8(ascii: ".")])]
  private(set) var entries: [Entry]
  private let empty: Entry

  init(empty: Entry) {
    self.empty = empty
    entries = [empty]
  }

  subscript(place: Place) -> Entry {
    get { entries[place] }
    set { entries[place] = newValue }
  }

  mutating func place(_ parent: Place, _ name: [UInt8]) -> Place {
    let key = Key(parent: parent, name: name)
    if let place = places[key] { return place }
    places[key] = keys.count
    keys.append(key)
    entries.append(empty)
    return keys.count - 1
  }

  /// The place of a path, given from the root on.
  mutating func place(_ names: [[UInt8]]) -> Place { names.reduce(Self.root) { place($0, $1) } }

  /// The place of a name if it was met.
  func known(_ parent: Place, _ name: [UInt8]) -> Place? { places[Key(parent: parent, name: name)] }

  /// The place of a path if it was met.
  func known(_ path: [UInt8]) -> Place? {
    var place: Place? = Self.root
    for name in path.split(separator: UInt8(ascii: "/")) { place = place.flatMap { known($0, Array(name)) } }
    return place
  }

  func name(_ place: Place) -> [UInt8] { keys[place].name }

  func parent(_ place: Place) -> Place { keys[place].parent }

  func path(_ place: Place) -> [UInt8] {
    guard place != Self.root else { return keys[place].name }
    var names: [[UInt8]] = []
    var place = place
    while place != Self.root {
      names.append(keys[place].name)
      place = keys[place].parent
    }
    return Array(names.reversed().joined(separator: [UInt8(ascii: "/")]))
  }

  /// All places, each directory before what is in it, names of one directory in the order of their bytes.
  func inOrder() -> PathOrder {
    let sorted = keys.indices.dropFirst().sorted { left, right in
      let (one, other) = (keys[left], keys[right])
      return one.parent == other.parent ? one.name.lexicographicallyPrecedes(other.name) : one.parent < other.parent
    }
    var children = [Range<Int>](repeating: 0..<0, count: keys.count)
    var start = 0
    while start < sorted.count {
      let parent = keys[sorted[start]].parent
      var end = start
      while end < sorted.count, keys[sorted[end]].parent == parent { end += 1 }
      children[parent] = start..<end
      start = end
    }
    var ranks = [Int](repeating: 0, count: keys.count)
    for (rank, place) in sorted.enumerated() { ranks[place] = rank + 1 }
    return PathOrder(sorted: sorted, children: children, ranks: ranks)
  }
}

/// Tells one path after the other; where a place is close to the one before, not from the root on.
struct PathWriter {
  private var last = 0
  private var path: [UInt8] = []

  mutating func path<Entry>(_ place: Int, in tree: PathTree<Entry>) -> [UInt8] {
    let isBelow = tree.parent(place) == last
    if last != PathTree<Entry>.root, isBelow || tree.parent(place) == tree.parent(last), place != last {
      if !isBelow { path.removeLast(tree.name(last).count + (tree.parent(last) == PathTree<Entry>.root ? 0 : 1)) }
      if !path.isEmpty { path.append(UInt8(ascii: "/")) }
      path += tree.name(place)
    } else if place != last || path.isEmpty {
      path = tree.path(place)
    }
    last = place
    return path
  }
}

/// The places of a tree of paths, in their order.
struct PathOrder {
  fileprivate let sorted: [Int]
  fileprivate let children: [Range<Int>]
  fileprivate let ranks: [Int]

  /// An order of places that is the same each time; names of one directory are in the order of their bytes.
  func precedes(_ one: Int, _ other: Int) -> Bool { ranks[one] < ranks[other] }

  /// Visits a place and everything below it until `body` returns false. Returns whether it was never stopped.
  ///
  /// - Parameter enter: whether what is below a place is visited too.
  @discardableResult
  func visit<Failure: Error>(
    from first: Int, enter: (Int) -> Bool = { _ in true }, _ body: (Int) throws(Failure) -> Bool
  ) throws(Failure) -> Bool {
    var pending = [first]
    while let place = pending.popLast() {
      guard try body(place) else { return false }
      if enter(place) { pending += sorted[children[place]].reversed() }
    }
    return true
  }
}
