import TestSupport

@testable import Store

extension ModelFileSystem {
  /// Throws where the changes are not what tells this state from another.
  func compareDifference(to new: ModelFileSystem, _ changes: [Change]) throws {
    let (oldNames, newNames) = (names, new.names)
    for inode in Set(oldNames.keys).union(newNames.keys).sorted() {
      let lost = oldNames[inode, default: []].subtracting(newNames[inode, default: []])
      let gained = newNames[inode, default: []].subtracting(oldNames[inode, default: []])
      try compare(inode, new, lost, gained, changes)
    }
    for change in changes where change.pages != change.pages.sorted(by: { $0.lowerBound < $1.lowerBound }) {
      throw Wrong("the pages of \(change) are not in order")
    }
  }

  /// The names of each inode: its directory and its name there.
  private var names: [UInt64: Set<Name>] {
    var names: [UInt64: Set<Name>] = [Self.root: [Name(directory: 0, name: [0x2e])]]
    for (directory, node) in nodes {
      for (name, inode) in node.entries { names[inode, default: []].insert(Name(directory: directory, name: name)) }
    }
    return names
  }

  private struct Name: Hashable {
    let directory: UInt64
    let name: [UInt8]
  }

  private func path(_ name: Name) -> [UInt8] {
    if name.directory <= Self.root { return name.name }
    guard let above = names[name.directory]?.first else { return [] }
    return path(above) + [UInt8(ascii: "/")] + name.name
  }

  private func compare(
    _ inode: UInt64, _ new: ModelFileSystem, _ lost: Set<Name>, _ gained: Set<Name>, _ changes: [Change]
  ) throws {
    let renames = min(lost.count, gained.count)
    let (lostPaths, gainedPaths) = (Set(lost.map { path($0) }), Set(gained.map { new.path($0) }))
    let renamed = changes.filter {
      $0.kind == .renamed && gainedPaths.contains($0.path) && lostPaths.contains($0.oldPath!)
    }
    guard renamed.count >= renames else {
      throw Wrong("inode \(inode) has other names, and \(changes) does not say so")
    }
    for path in gainedPaths where !changes.contains(where: { $0.path == path && [.added, .renamed].contains($0.kind) })
    {
      throw Wrong("\(path) came, and \(changes) does not say so")
    }
    for path in lostPaths
    where !changes.contains(where: { $0.path == path && $0.kind == .removed || $0.oldPath == path }) {
      throw Wrong("\(path) went, and \(changes) does not say so")
    }
    guard let before = nodes[inode], let after = new.nodes[inode], before.links > 0, after.links > 0 else { return }
    let pages = Set(before.pages.keys).union(after.pages.keys).filter { before.pages[$0] != after.pages[$0] }
    let differs =
      !pages.isEmpty || before.size != after.size && !after.isDirectory || before.mode != after.mode
      || before.attributes != after.attributes
    let paths = new.names[inode, default: []].map { new.path($0) }
    let told = changes.filter { paths.contains($0.path) && [.modified, .renamed].contains($0.kind) }
    guard differs else {
      if let change = told.first(where: { $0.kind == .modified && $0.attributes != [.extendedAttributes] }) {
        throw Wrong("nothing differs, but \(change)")
      }
      return
    }
    guard let change = told.first else { throw Wrong("inode \(inode) differs, and \(changes) does not say so") }
    guard Set(change.pages.flatMap { Array($0) }) == pages else {
      throw Wrong("inode \(inode) differs in pages \(pages.sorted()), and not in \(change.pages)")
    }
  }
}
