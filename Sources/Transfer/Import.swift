import FileSystem
import Glibc
public import Store
import SystemIO

// One thread walks the directories and adds what has no content; worker threads read, compress and add files. A
// directory is added when the walk enters it, with the link count that its subdirectories will give it; a file with
// several names is added by the walk itself, so that its other names find it. Memory is bounded by the queue between
// them, whatever is imported.

/// Brings a directory of the host in as a new fork: names, content, owners, permissions, times, extended attributes,
/// hard links, holes.
///
/// The fork has no name for others until all of it is there; when this fails, or is interrupted, nothing is left.
/// - Parameter progress: told about every entry; returns false to cancel. Called by several threads.
@discardableResult
public func importDirectory(
  _ path: String, into store: Store, as name: String,
  progress: @escaping @Sendable (TransferProgress) -> Bool = { _ in true }
) throws(StoreError) -> (head: Head, total: TransferProgress) {
  let root = Array(path.utf8)
  let status: stat
  do throws(Errno) { status = try HostFile.status(root) } catch {
    throw StoreError(error, during: "import of \(path.quoted)")
  }
  guard status.st_mode & S_IFMT == S_IFDIR else {
    throw StoreError(
      .failed, "import of \(path.quoted): it is not a directory", hint: "name the directory whose content to import")
  }
  let fork = try store.beginImport(named: name)
  let meter = TransferMeter(progress)
  do throws(StoreError) {
    do throws(TransferFailure) {
      let fileSystem = FileSystem(try openImport(store, fork.id))
      try ImportWalk(fileSystem, meter, avoiding: store).run(root)
    } catch {
      throw error.storeError("import")
    }
  } catch {
    try store.abandonImport(fork.id)
    throw error
  }
  let head = try store.completeImport(fork.id)
  try store.flush()
  return (head, meter.total)
}

private func openImport(_ store: Store, _ id: UInt64) throws(TransferFailure) -> Volume {
  do throws(StoreError) { return try store.volume(ofImport: id) } catch {
    preconditionFailure("the import was just begun: \(error)")
  }
}

/// The thread that walks the directories.
private final class ImportWalk {
  private struct HostInode: Hashable {
    let device: UInt
    let inode: UInt

    init(_ status: stat) {
      device = UInt(status.st_dev)
      inode = UInt(status.st_ino)
    }
  }

  private let fileSystem: FileSystem
  private let meter: TransferMeter
  private let workers: ImportWorkers
  private let copier: FileImporter
  /// A store is not imported into itself, however it is reached.
  private let storeDirectory: HostInode?
  private var linked: [HostInode: InodeNumber] = [:]

  init(_ fileSystem: FileSystem, _ meter: TransferMeter, avoiding store: Store) {
    self.fileSystem = fileSystem
    self.meter = meter
    copier = FileImporter(fileSystem, meter)
    workers = ImportWorkers(count: 2, copier)
    storeDirectory = store.path.flatMap { try? HostFile.status(Array($0.utf8)) }.map { HostInode($0) }
  }

  func run(_ path: [UInt8]) throws(TransferFailure) {
    defer { workers.stop() }
    let names = try at(path) { () throws(Errno) in try HostFile.names(in: path) }
    var item = InodeItem(try at(path) { () throws(Errno) in try HostFile.status(path) })
    let children = try statuses(path, names)
    item.links = directoryLinks(children)
    try at(path) { () throws(Errno) in
      try fileSystem.importRoot(item, extendedAttributes: try HostFile.attributes(path))
    }
    try walk(path, FileSystem.rootInode, children)
    try workers.finish()
  }

  private typealias Child = (name: [UInt8], status: stat)

  private func statuses(_ path: [UInt8], _ names: [[UInt8]]) throws(TransferFailure) -> [Child] {
    var children: [Child] = []
    children.reserveCapacity(names.count)
    for name in names {
      let child = join(path, name)
      let status = try at(child) { () throws(Errno) in try HostFile.status(child) }
      if HostInode(status) == storeDirectory { throw TransferFailure(path: child, errno: .busy) }
      children.append((name, status))
    }
    return children
  }

  private func directoryLinks(_ children: [Child]) -> UInt32 {
    2 + UInt32(children.count { $0.status.st_mode & S_IFMT == S_IFDIR })
  }

  private func walk(_ path: [UInt8], _ inode: InodeNumber, _ children: [Child]) throws(TransferFailure) {
    for child in children {
      let childPath = join(path, child.name)
      var entry = ImportedEntry(parent: inode, name: child.name, item: InodeItem(child.status))
      entry.item.links = 1
      switch child.status.st_mode & S_IFMT {
      case S_IFDIR: try enter(childPath, &entry)
      case S_IFREG where child.status.st_nlink == 1: try workers.add(ImportedFile(path: childPath, entry: entry))
      default: try add(childPath, &entry, child.status)
      }
    }
  }

  private func enter(_ path: [UInt8], _ entry: inout ImportedEntry) throws(TransferFailure) {
    let children = try statuses(path, try at(path) { () throws(Errno) in try HostFile.names(in: path) })
    entry.item.links = directoryLinks(children)
    entry.item.size = 0
    let described = entry
    let inode = try at(path) { () throws(Errno) in try copier.addWithoutContent(path, described) }
    try walk(path, inode, children)
  }

  /// What is no directory, and no file with one name.
  private func add(_ path: [UInt8], _ entry: inout ImportedEntry, _ status: stat) throws(TransferFailure) {
    let key = HostInode(status)
    if status.st_nlink > 1, let inode = linked[key] {
      let described = entry
      try at(path) { () throws(Errno) in
        try fileSystem.importLink(inode, described.parent, described.name)
        try meter.add(entries: 1)
      }
      return
    }
    let described = entry
    let inode = try at(path) { () throws(Errno) in
      described.item.isRegular
        ? try copier.add(ImportedFile(path: path, entry: described)) : try copier.addWithoutContent(path, described)
    }
    if status.st_nlink > 1 { linked[key] = inode }
  }
}
