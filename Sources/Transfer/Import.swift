import FileSystem
import Glibc
public import Store
public import SystemIO

// One thread walks the directories and adds what has no content; worker threads read, compress and add files. A
// directory is added when the walk enters it, with the link count that its subdirectories will give it; a file with
// several names is added by the walk itself, so that its other names find it. Memory and open files are bounded by the
// queue between them, whatever is imported.

/// Brings a directory of the host in as a new fork: names, content, owners, permissions, times, extended attributes,
/// hard links, holes. What is mounted below it is a part of it.
///
/// The fork has no name for others until all of it is there; when this fails, or is interrupted, nothing is left.
/// - Parameters:
///   - directory: open in any way, also with O_PATH.
///   - path: its path, for messages.
///   - progress: told about every entry; returns false to cancel. Called by several threads.
@discardableResult
public func importDirectory(
  _ directory: borrowing FileDescriptor, describedAs path: [UInt8], into store: Store, as name: String,
  owners: ImportedOwners = .usual, progress: @escaping @Sendable (TransferProgress) -> Bool = { _ in true }
) throws(TransferError) -> (head: Head, total: TransferProgress) {
  let place = try at(path) { () throws(Errno) in try StorePlace(of: store) }
  let rule = try at(path) { () throws(Errno) in try OwnerRule(owners) }
  let top = try at(path) { () throws(Errno) in try HostDirectory(reopening: directory, at: TreePath(path)) }
  if try at(path, { () throws(Errno) in try place.contains(top) }) { throw TransferError(.isStore, at: path) }
  func ofStore<Value>(_ body: () throws(StoreError) -> Value) throws(TransferError) -> Value {
    do throws(StoreError) { return try body() } catch { throw TransferError(.store(error), at: path) }
  }
  let fork = try ofStore { () throws(StoreError) in try store.beginImport(named: name) }
  let meter = TransferMeter(progress)
  do throws(TransferError) {
    let volume = try ofStore { () throws(StoreError) in try store.volume(ofImport: fork.id) }
    var walk = ImportWalk(FileSystem(volume), meter, rule, from: top, avoiding: place)
    try walk.run()
  } catch {
    try ofStore { () throws(StoreError) in try store.abandonImport(fork.id) }
    throw error
  }
  return try ofStore { () throws(StoreError) in
    let head = try store.completeImport(fork.id)
    try store.flush()
    return (head, meter.total)
  }
}

/// The thread that walks the directories.
private struct ImportWalk: ~Copyable {
  private struct Level {
    let inode: InodeNumber
    /// Which of its directories are still to be entered, the next one last.
    var directories: [[UInt8]]
  }

  private typealias Child = (name: [UInt8], status: stat)

  private let fileSystem: FileSystem
  private let workers: ImportWorkers
  private let importer: FileImporter
  private let place: StorePlace
  private var descent: Descent
  private var levels: [Level] = []
  private var linked: [HostIdentity: InodeNumber] = [:]

  init(
    _ fileSystem: FileSystem, _ meter: TransferMeter, _ rule: OwnerRule, from top: HostDirectory,
    avoiding place: StorePlace
  ) {
    self.fileSystem = fileSystem
    self.place = place
    importer = FileImporter(fileSystem, meter, rule)
    workers = ImportWorkers(count: 2, importer)
    descent = Descent(from: top)
  }

  mutating func run() throws(TransferError) {
    defer { workers.stop() }
    let top = descent.directory
    let children = try children(of: top)
    try stillAt(top.path) { () throws(Errno) in try importer.addRoot(top, links: Self.links(children)) }
    try visit(children, FileSystem.rootInode)
    while !levels.isEmpty {
      if let name = levels[levels.count - 1].directories.popLast() {
        try enter(name)
      } else {
        levels.removeLast()
        if !levels.isEmpty { _ = try descent.leave() }
      }
    }
    try workers.finish()
  }

  private func children(of directory: HostDirectory) throws(TransferError) -> [Child] {
    let names = try at(directory.path) { () throws(Errno) in try directory.names() }
    var children: [Child] = []
    children.reserveCapacity(names.count)
    for name in names {
      let status = try stillAt(directory.path(of: name)) { () throws(Errno) in try directory.status(of: name) }
      if place.isLock(HostIdentity(status)) { throw TransferError(.isStore, at: directory.path) }
      children.append((name, status))
    }
    return children
  }

  private static func isDirectory(_ child: Child) -> Bool { child.status.st_mode & S_IFMT == S_IFDIR }

  private static func links(_ children: [Child]) -> UInt32 { 2 + UInt32(children.count(where: isDirectory)) }

  /// Adds what a directory holds but for directories, and notes these.
  private mutating func visit(_ children: [Child], _ inode: InodeNumber) throws(TransferError) {
    let directory = descent.directory
    for child in children where !Self.isDirectory(child) {
      let file = ImportedFile(directory: directory, parent: inode, name: child.name)
      let type = child.status.st_mode & S_IFMT
      if child.status.st_nlink > 1 {
        try addLinked(file, child.status)
      } else if type == S_IFREG {
        try workers.add(file)
      } else {
        _ = try stillAt(file.path) { () throws(Errno) in try importer.addSpecial(file) }
      }
    }
    levels.append(Level(inode: inode, directories: children.filter(Self.isDirectory).map(\.name).reversed()))
  }

  private mutating func enter(_ name: [UInt8]) throws(TransferError) {
    let parent = descent.directory
    let directory = try stillAt(parent.path(of: name)) { () throws(Errno) in try parent.openDirectory(name) }
    let children = try children(of: directory)
    let file = ImportedFile(directory: parent, parent: levels[levels.count - 1].inode, name: name)
    let inode = try stillAt(directory.path) { () throws(Errno) in
      try importer.addDirectory(file, directory, links: Self.links(children))
    }
    descent.enter(directory)
    try visit(children, inode)
  }

  /// One of several names.
  private mutating func addLinked(_ file: ImportedFile, _ status: stat) throws(TransferError) {
    let identity = HostIdentity(status)
    if let inode = linked[identity] {
      return try at(file.path) { () throws(Errno) in try importer.addLink(file, to: inode) }
    }
    linked[identity] = try stillAt(file.path) { () throws(Errno) in
      status.st_mode & S_IFMT == S_IFREG
        ? try importer.add(file, identity) : try importer.addSpecial(file, identity)
    }
  }
}
