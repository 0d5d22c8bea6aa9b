import Glibc
import PosixCalls
import SystemIO

/// All that a directory holds, as far as it must be the same on two file systems.
struct TreeListing {
  struct Node: Hashable {
    var status: SharedStatus
    /// The first path of the same inode, in the order of paths.
    var firstName: Path
    /// Nil where the clock told it while the steps were taken.
    var accessed: FileTime?
    var modified: FileTime?
    var attributes: [String: [UInt8]]
    var target: [UInt8]?
    var content: FileContent?
  }

  private(set) var nodes: [Path: Node] = [:]
  /// In the order of their bytes.
  private(set) var paths: [Path] = []
  private(set) var inodes: [Path: UInt64] = [:]
  private(set) var brokenRules: [String] = []
  private var firstNames: [UInt64: Path] = [:]
  private let clock: ClosedRange<Int64>

  /// - Parameter clock: the seconds in which the steps were taken.
  init(of root: String, clock: ClosedRange<Int64>) throws(Errno) {
    self.clock = clock
    try add(Path(root), as: ".")
  }

  private mutating func add(_ path: Path, as name: Path) throws(Errno) {
    let status = try path.status()
    let firstName = firstNames[status.inode] ?? name
    firstNames[status.inode] = firstName
    var node = Node(
      status: SharedStatus(status), firstName: firstName, accessed: setTime(status.accessed),
      modified: setTime(status.modified), attributes: [:])
    for attribute in try path.attributeNames() { node.attributes[attribute] = try path.attribute(attribute) }
    switch status.kind {
    case S_IFLNK: node.target = try path.readSymbolicLink()
    case S_IFREG where firstName == name:
      let content = try FileContent(of: try path.open(O_RDONLY), size: Int(status.size))
      if let rule = content.brokenRule { brokenRules.append("\(name.debugDescription): \(rule)") }
      node.content = content
    default: break
    }
    nodes[name] = node
    inodes[name] = status.inode
    paths.append(name)
    if status.isDirectory { try addEntries(of: path, as: name, status.inode) }
  }

  private mutating func addEntries(of directory: Path, as name: Path, _ inode: UInt64) throws(Errno) {
    let entries = try directory.entries().sorted { $0.name.bytes.lexicographicallyPrecedes($1.name.bytes) }
    if Set(entries.map(\.name)).count != entries.count { brokenRules.append("\(name.debugDescription): a name twice") }
    for entry in entries {
      let path = directory / entry.name
      let status = try path.status()
      let isParentOfRoot = name == "." && entry.name == ".."
      if !isParentOfRoot, entry.inode != status.inode || UInt32(entry.kind) != status.kind >> 12 {
        brokenRules.append("\(path.debugDescription): the directory says another inode or type than stat")
      }
      if entry.name == "." || entry.name == ".." { continue }
      try add(path, as: name == "." ? entry.name : name / entry.name)
    }
  }

  private func setTime(_ time: FileTime) -> FileTime? { clock.contains(time.seconds) ? nil : time }
}

extension TreeListing {
  /// The first thing that differs from a reference, or breaks a rule; nil where nothing does.
  func difference(from reference: TreeListing, ignoringTimes: (Path) -> Bool) -> String? {
    if let rule = brokenRules.first ?? reference.brokenRules.first { return rule }
    for path in Set(paths).union(reference.paths).sorted(by: { $0.bytes.lexicographicallyPrecedes($1.bytes) }) {
      guard var expected = reference.nodes[path] else { return "\(path.debugDescription) should not be there" }
      guard var node = nodes[path] else { return "\(path.debugDescription) is missing" }
      if let holes = expected.content?.holes, let more = node.content?.holes, !holes.isSubset(of: more) {
        return "\(path.debugDescription): pages \(holes.subtracting(more).sorted()) are holes in the reference only"
      }
      expected.content?.holes = []
      node.content?.holes = []
      if ignoringTimes(path) { (expected.modified, node.modified) = (nil, nil) }
      if node != expected { return "\(path.debugDescription): \(node.difference(from: expected))" }
    }
    return nil
  }
}

extension TreeListing.Node {
  fileprivate func difference(from other: Self) -> String {
    if status != other.status { return "\(other.status) and \(status)" }
    if firstName != other.firstName {
      return "the same as \(other.firstName.debugDescription) and \(firstName.debugDescription)"
    }
    if accessed != other.accessed || modified != other.modified {
      return "times \([other.accessed, other.modified]) and \([accessed, modified])"
    }
    for (name, value) in other.attributes where attributes[name] != value {
      return "attribute \(name): \(value) and \(attributes[name] ?? [])"
    }
    if attributes != other.attributes { return "attributes \(other.attributes.keys) and \(attributes.keys)" }
    if target != other.target {
      return "targets \(Path(other.target ?? []).debugDescription) and \(Path(target ?? []).debugDescription)"
    }
    let pages = Set((content?.pages ?? [:]).keys).union((other.content?.pages ?? [:]).keys)
    return "content of pages \(pages.filter { content?.pages[$0] != other.content?.pages[$0] }.sorted())"
  }
}
