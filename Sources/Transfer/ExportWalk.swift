import FileSystem
import Glibc
import Store
import SystemIO

/// Fills a directory with a fork's tree.
struct ExportWalk: ~Copyable {
  private static let batch = 256
  /// The cookie after "." and "..".
  private static let firstCookie: UInt64 = 2

  /// A directory of the fork, and how far it has been read.
  private struct Level {
    let attributes: Attributes
    let mayInherit: Bool
    var entries: [DirectoryEntry] = []
    var next = 0
    var cookie = firstCookie
    var isRead = false
  }

  private let fileSystem: FileSystem
  private let meter: TransferMeter
  private let top: HostDirectory
  private let content: ContentExporter
  private var attributes: AttributeExporter
  private var links: LinkStage
  private var descent: Descent
  private var levels: [Level] = []
  /// What the target had before: a directory of the file system itself, which may be in the fork as well.
  private let present: [[UInt8]]
  /// One of these, where the fork has it as well.
  private var filled: FilledDirectory?
  /// What was made in the top directory.
  private var made: [[UInt8]] = []

  /// - Parameters:
  ///   - top: made for this or emptied, and closed to others, but for `present`.
  ///   - topMayInherit: whether files that are made in `top` get lists from it.
  init(
    _ fileSystem: FileSystem, into top: HostDirectory, present: [[UInt8]] = [], topMayInherit: Bool = false,
    _ meter: TransferMeter
  ) throws(TransferError) {
    self.fileSystem = fileSystem
    self.top = top
    self.meter = meter
    self.present = present
    content = ContentExporter(fileSystem, meter)
    attributes = AttributeExporter(fileSystem)
    links = LinkStage(in: top)
    descent = Descent(from: top)
    let root = try at(top.path) { () throws(Errno) in try fileSystem.getattr(FileSystem.rootInode) }
    levels = [Level(attributes: root, mayInherit: topMayInherit)]
  }

  var leftOut: [LeftOut] { attributes.leftOut.all }

  /// Makes everything, and gives the top directory its attributes last.
  mutating func run() throws(TransferError) {
    while true {
      if let entry = try nextEntry() {
        let path = { [directory = descent.directory] in directory.path(of: entry.name) }
        let attributes = try at(path()) { () throws(Errno) in try fileSystem.getattr(entry.inode) }
        if attributes.mode & S_IFMT == S_IFDIR {
          try enter(entry.name, attributes)
        } else {
          try at(path()) { () throws(Errno) in try add(entry.name, attributes, path) }
        }
      } else if try !leave() {
        return
      }
    }
  }

  /// Removes what was made in the top directory.
  func undo() throws(TransferError) {
    for name in made + [links.name] where !name.isEmpty { try TreeRemoval.remove(name, from: top) }
    guard let filled else { return }
    try TreeRemoval.removeContent(of: filled.directory)
    try filled.restore()
  }

  /// The next entry of the directory that the walk is in.
  private mutating func nextEntry() throws(TransferError) -> DirectoryEntry? {
    let index = levels.count - 1
    if levels[index].next == levels[index].entries.count, !levels[index].isRead {
      var entries: [DirectoryEntry] = []
      let (inode, cookie) = (levels[index].attributes.inode, levels[index].cookie)
      try at(descent.directory.path) { () throws(Errno) in
        try fileSystem.readdir(inode, after: cookie) { entry in
          entries.append(entry)
          return entries.count < Self.batch
        }
      }
      levels[index].next = 0
      levels[index].cookie = entries.last?.cookie ?? cookie
      levels[index].isRead = entries.count < Self.batch
      levels[index].entries = entries
    }
    guard levels[index].next < levels[index].entries.count else { return nil }
    defer { levels[index].next += 1 }
    return levels[index].entries[levels[index].next]
  }

  private mutating func note(_ name: [UInt8]) {
    if descent.isAtTop { made.append(name) }
  }

  // MARK: Directories

  private mutating func enter(_ name: [UInt8], _ attributes: Attributes) throws(TransferError) {
    let directory = descent.directory
    let mayInherit = levels[levels.count - 1].mayInherit
    let isPresent = descent.isAtTop && present.contains(name)
    let entered = try at(directory.path(of: name)) { () throws(Errno) in
      isPresent ? try directory.openDirectory(name) : try directory.makeDirectory(name)
    }
    if isPresent {
      let directory = try FilledDirectory(entered)
      _ = try directory.takeOver()
      filled = directory
    } else {
      note(name)
      if mayInherit {
        try at(entered.path) { () throws(Errno) in try AttributeExporter.removeLists(of: entered.node) }
      }
    }
    descent.enter(entered)
    levels.append(Level(attributes: attributes, mayInherit: false))
  }

  /// Ends a directory: its permissions may close it, and its times change with its entries. Returns false at the top.
  private mutating func leave() throws(TransferError) -> Bool {
    let level = levels.removeLast()
    let left: HostDirectory
    if levels.isEmpty {
      left = descent.directory
      try at(left.path) { () throws(Errno) in try links.close() }
    } else {
      left = try descent.leave()
    }
    try at(left.path) { () throws(Errno) in
      try attributes.describe(level.attributes, left.node, mayInherit: false) { left.path }
      try meter.add(entries: levels.isEmpty ? 0 : 1)
    }
    return !levels.isEmpty
  }

  // MARK: Everything else

  private mutating func add(_ name: [UInt8], _ file: Attributes, _ path: () -> [UInt8]) throws(Errno) {
    let directory = descent.directory
    if file.links > 1, try addLink(name, file, path) { return }
    let mayInherit = levels[levels.count - 1].mayInherit
    switch file.mode & S_IFMT {
    case S_IFREG:
      let descriptor = try directory.open(name, O_WRONLY | O_CREAT | O_EXCL, 0o600)
      note(name)
      try content.write(file, to: descriptor)
      try attributes.describe(file, HostNode(descriptor.rawValue), mayInherit: mayInherit, at: path)
    case let type:
      do throws(Errno) {
        if type == S_IFLNK {
          try directory.symlink(try fileSystem.readlink(file.inode), name)
        } else {
          try directory.makeNode(name, mode: type | 0o600, device: file.device)
        }
      } catch { return try attributes.leaveOut(type == S_IFLNK ? .symbolicLinks : .specialFiles, error, path) }
      note(name)
      try attributes.describe(file, directory.node(name), mayInherit: mayInherit && type != S_IFLNK, at: path)
    }
    if file.links > 1 { try stage(name, file, path) }
    try meter.add(entries: 1)
  }

  /// Makes one more name of a file; false where it is the first one, or must be a file of its own.
  private mutating func addLink(_ name: [UInt8], _ file: Attributes, _ path: () -> [UInt8]) throws(Errno) -> Bool {
    do throws(Errno) {
      guard try links.link(file.inode, descent.directory, name) else { return false }
    } catch {
      try attributes.leaveOut(.hardLinks, error, path)
      try links.forget(file.inode)
      return false
    }
    note(name)
    try meter.add(entries: 1)
    return true
  }

  private mutating func stage(_ name: [UInt8], _ file: Attributes, _ path: () -> [UInt8]) throws(Errno) {
    do throws(Errno) { try links.add(file.inode, missing: file.links - 1, descent.directory, name) } catch {
      try attributes.leaveOut(.hardLinks, error, path)
    }
  }
}
