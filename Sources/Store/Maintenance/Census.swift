import SystemIO
import Tree

/// The inodes and names of one tree, counted against each other.
struct Census {
  struct Problem {
    let inode: InodeNumber
    let message: String
  }

  struct Name: Hashable {
    let parent: InodeNumber
    let name: [UInt8]
    let inode: InodeNumber
  }

  private(set) var inodes: [InodeNumber: InodeItem] = [:]
  private var entries: Set<Name> = []
  private var backReferences: Set<Name> = []
  private var pages: [InodeNumber: UInt64] = [:]
  private var lastPage: [InodeNumber: UInt64] = [:]
  private var orphans: Set<InodeNumber> = []
  /// The extended attributes whose values stand in pages, by the first of them.
  private var attributes: [InodeNumber: [UInt64: [UInt8]]] = [:]

  mutating func add(_ key: TreeKey, _ value: UnsafeRawBufferPointer) throws(DecodingFailure) {
    if key.object == 0 {
      orphans.insert(key.item)
      return
    }
    switch key.kind {
    case .inode: inodes[key.object] = try InodeItem(decoding: value)
    case .dentry:
      let item = try DentryItem(decoding: value)
      entries.insert(Name(parent: key.object, name: item.name, inode: item.inode))
    case .backReference:
      let item = try BackReferenceItem(decoding: value)
      backReferences.insert(Name(parent: item.parent, name: item.name, inode: key.object))
    case .extendedAttribute:
      let item = try ExtendedAttributeItem(decoding: value)
      if item.contentPage > 0 { attributes[key.object, default: [:]][item.contentPage] = item.name }
    case .symbolicLink: break
    case .extent:
      let item = try ExtentItem(decoding: value)
      guard key.sub < ExtendedAttributeItem.firstContentPage else { return }
      pages[key.object, default: 0] += UInt64(item.count)
      lastPage[key.object] = key.sub + UInt64(item.count) - 1
    case nil: throw DecodingFailure("its kind is unknown")
    }
  }

  /// The extended attribute whose value stands in a page.
  func attribute(of inode: InodeNumber, at page: UInt64) -> [UInt8]? {
    attributes[inode]?.first { ($0.key..<$0.key + ExtendedAttributeItem.contentPages).contains(page) }?.value
  }

  /// The names that were found in a tree of which a part may be missing, to tell paths.
  var names: CensusNames { CensusNames(entries.union(backReferences)) }

  /// Everything that does not fit together.
  var problems: [Problem] {
    var problems: [Problem] = []
    for name in entries.subtracting(backReferences) {
      problems.append(
        Problem(inode: name.inode, message: "its entry in directory \(name.parent) has no reference back"))
    }
    for name in backReferences.subtracting(entries) {
      problems.append(Problem(inode: name.inode, message: "directory \(name.parent) does not have its entry"))
    }
    for name in entries where inodes[name.inode] == nil {
      problems.append(Problem(inode: name.parent, message: "an entry names inode \(name.inode), which is not there"))
    }
    let (names, subdirectories) = links()
    for (inode, item) in inodes {
      problems += check(inode, item, names[inode] ?? 0, subdirectories[inode] ?? 0)
    }
    for inode in orphans where inodes[inode] == nil {
      problems.append(Problem(inode: inode, message: "it is noted as an inode without a name, and is not there"))
    }
    if !inodes.isEmpty, inodes[1] == nil { problems.append(Problem(inode: 1, message: "there is no root directory")) }
    return problems
  }

  /// How many names each inode has, and how many subdirectories each directory.
  private func links() -> (names: [InodeNumber: UInt32], subdirectories: [InodeNumber: UInt32]) {
    var names: [InodeNumber: UInt32] = [:]
    var subdirectories: [InodeNumber: UInt32] = [:]
    for name in entries {
      names[name.inode, default: 0] += 1
      if inodes[name.inode]?.isDirectory == true { subdirectories[name.parent, default: 0] += 1 }
    }
    return (names, subdirectories)
  }

  private func check(_ inode: InodeNumber, _ item: InodeItem, _ names: UInt32, _ subdirectories: UInt32) -> [Problem] {
    var problems: [Problem] = []
    let isNameless = orphans.contains(inode)
    let expected = isNameless ? 0 : item.isDirectory ? 2 + subdirectories : names
    if item.links != expected {
      problems.append(Problem(inode: inode, message: "it has \(item.links) links, and \(expected) were found"))
    }
    if item.links == 0, !isNameless {
      problems.append(Problem(inode: inode, message: "it has no name, and is not noted as one that has none"))
    }
    if item.isDirectory, inode != 1, !isNameless, names != 1 {
      problems.append(Problem(inode: inode, message: "the directory has \(names) names"))
    }
    if item.pages != pages[inode] ?? 0 {
      problems.append(
        Problem(inode: inode, message: "it says it has \(item.pages) pages, and has \(pages[inode] ?? 0)"))
    }
    if let last = lastPage[inode], item.isRegular, last * 4096 >= item.size {
      problems.append(Problem(inode: inode, message: "page \(last) lies behind its end"))
    }
    return problems
  }
}
