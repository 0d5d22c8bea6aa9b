import CLinux
import FileSystem
import Glibc
import Store
import SystemIO

/// An entry of a directory that is to be imported.
struct ImportedFile: Sendable {
  let directory: HostDirectory
  /// The directory's inode in the fork.
  let parent: InodeNumber
  let name: [UInt8]

  /// For messages.
  var path: [UInt8] { directory.path(of: name) }
}

/// Adds single entries with what belongs to them. What it looks at may be another file than the walk saw, if somebody replaced it; it
/// is another type only where that is an error (`stale`).
final class FileImporter: Sendable {
  private static let pageSize = 4096
  private let fileSystem: FileSystem
  private let meter: TransferMeter
  private let rule: OwnerRule

  init(_ fileSystem: FileSystem, _ meter: TransferMeter, _ rule: OwnerRule) {
    self.fileSystem = fileSystem
    self.meter = meter
    self.rule = rule
  }

  // MARK: What has no content

  func addRoot(_ directory: HostDirectory, links: UInt32) throws(Errno) {
    let (item, attributes) = try describe(directory.node, try directory.status(), links: links)
    try fileSystem.importRoot(item, extendedAttributes: attributes)
  }

  func addDirectory(_ file: ImportedFile, _ directory: HostDirectory, links: UInt32) throws(Errno) -> InodeNumber {
    try addEmpty(file, directory.node, try directory.status(), links: links)
  }

  /// A symbolic link, device, FIFO or socket.
  ///
  /// - Parameter identity: what it must be, if other names are to lead to it too; `.stale` if something else has taken its place.
  @discardableResult
  func addSpecial(_ file: ImportedFile, _ identity: HostIdentity? = nil) throws(Errno) -> InodeNumber {
    let status = try file.directory.status(of: file.name)
    if let identity, HostIdentity(status) != identity { throw .stale }
    let type = status.st_mode & S_IFMT
    guard type != S_IFREG, type != S_IFDIR else { throw .stale }
    let target = type == S_IFLNK ? try file.directory.readlink(file.name) : []
    return try addEmpty(file, file.directory.node(file.name), status, links: 1, target: target)
  }

  private func addEmpty(
    _ file: ImportedFile, _ node: HostNode, _ status: stat, links: UInt32, target: [UInt8] = []
  ) throws(Errno) -> InodeNumber {
    let (item, attributes) = try describe(node, status, links: links)
    var entry = ImportedEntry(parent: file.parent, name: file.name, item: item)
    entry.item.size = UInt64(target.count)
    entry.target = target
    entry.extendedAttributes = attributes
    let inode = try fileSystem.importEntry(entry, content: UnsafeRawBufferPointer(start: nil, count: 0))
    try meter.add(entries: 1)
    return inode
  }

  func addLink(_ file: ImportedFile, to inode: InodeNumber) throws(Errno) {
    try fileSystem.importLink(inode, file.parent, file.name)
    try meter.add(entries: 1)
  }

  private func describe(
    _ node: HostNode, _ status: stat, links: UInt32
  ) throws(Errno) -> (InodeItem, [(name: [UInt8], value: [UInt8])]) {
    var item = InodeItem(status)
    item.links = links
    var attributes: [(name: [UInt8], value: [UInt8])] = []
    for name in try node.attributeNames() where FileSystem.supportsAttribute(name) {
      if let value = try node.attribute(name) { attributes.append((name, value)) }
    }
    rule.apply(to: &item, &attributes)
    return (item, attributes)
  }

  // MARK: Regular files

  /// A file that has other names too; `.stale` if it is not the one with this identity.
  func add(_ file: ImportedFile, _ identity: HostIdentity) throws(Errno) -> InodeNumber {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: FileSystem.largestImport, alignment: Self.pageSize)
    defer { buffer.deallocate() }
    return try add(file, buffer, identity)
  }

  /// Adds a regular file as it was at some moment, where somebody appends to it or cuts it short: up to 1 MiB when it was read, else with
  /// the size that it had when it was opened.
  func add(
    _ file: ImportedFile, _ buffer: UnsafeMutableRawBufferPointer, _ identity: HostIdentity? = nil
  ) throws(Errno) -> InodeNumber {
    let descriptor = try open(file)
    var status = stat()
    try retryingInterrupts { fstat(descriptor.rawValue, &status) }
    guard status.st_mode & S_IFMT == S_IFREG else { throw .stale }
    if let identity, HostIdentity(status) != identity { throw .stale }
    let (item, attributes) = try describe(HostNode(descriptor.rawValue), status, links: 1)
    var entry = ImportedEntry(parent: file.parent, name: file.name, item: item)
    entry.extendedAttributes = attributes
    let first = try read(descriptor, at: 0, buffer, expecting: Int(clamping: item.size))
    // The common case is a file that one read holds; it is as large as what was read, for some file systems do not tell sizes.
    if first.count < buffer.count || item.size < buffer.count { entry.item.size = UInt64(first.count) }
    let inode = try fileSystem.importEntry(entry, content: first.pages)
    try meter.add(entries: 1, bytes: UInt64(first.count))
    if entry.item.size > first.count { try addRest(of: descriptor, inode, entry.item.size, buffer) }
    return inode
  }

  /// What is a FIFO by now must not be waited for; a file on which somebody has a lease must.
  private func open(_ file: ImportedFile) throws(Errno) -> FileDescriptor {
    do throws(Errno) { return try file.directory.open(file.name, O_RDONLY | O_NONBLOCK) } catch {
      guard error == .wouldBlock else { throw error }
      return try file.directory.open(file.name, O_RDONLY)
    }
  }

  /// The content behind the first part, holes left out.
  private func addRest(
    of descriptor: borrowing FileDescriptor, _ inode: InodeNumber, _ size: UInt64,
    _ buffer: UnsafeMutableRawBufferPointer
  ) throws(Errno) {
    var offset = UInt64(buffer.count)
    while let data = try nextData(descriptor, from: offset), data < size {
      let wanted = Int(min(UInt64(buffer.count), size - data))
      let whole = UnsafeMutableRawBufferPointer(rebasing: buffer[..<Self.rounded(wanted)])
      let part = try read(descriptor, at: data, whole, expecting: wanted)
      guard part.count >= wanted else { throw .stale }
      buffer.zero(from: wanted, to: whole.count)
      try fileSystem.importContent(inode, at: data, UnsafeRawBufferPointer(whole))
      try meter.add(bytes: UInt64(wanted))
      offset = data + UInt64(wanted)
    }
    // The end may be a hole, or have been cut off.
    var status = stat()
    try retryingInterrupts { fstat(descriptor.rawValue, &status) }
    guard status.st_size >= size else { throw .stale }
  }

  /// Where data goes on, in whole pages; nil where nothing but a hole is left.
  private func nextData(_ descriptor: borrowing FileDescriptor, from offset: UInt64) throws(Errno) -> UInt64? {
    let data = linux_seek_data(descriptor.rawValue, off_t(offset))
    if data >= 0 { return max(offset, UInt64(data) / UInt64(Self.pageSize) * UInt64(Self.pageSize)) }
    // Any other error comes from a file system that does not tell.
    return Errno.last == .noSuchDeviceOrAddress ? nil : offset
  }

  private static func rounded(_ count: Int) -> Int { (count + pageSize - 1) / pageSize * pageSize }

  /// Reads until it has as much as expected, the buffer is full or the file ends; the rest of the last page is zero.
  private func read(
    _ descriptor: borrowing FileDescriptor, at offset: UInt64, _ buffer: UnsafeMutableRawBufferPointer,
    expecting expected: Int
  ) throws(Errno) -> (count: Int, pages: UnsafeRawBufferPointer) {
    var done = 0
    repeat {
      let count = try retryingInterrupts {
        pread(descriptor.rawValue, buffer.baseAddress! + done, buffer.count - done, off_t(offset) + off_t(done))
      }
      if count == 0 { break }
      done += count
    } while done < buffer.count && done != expected
    let end = Self.rounded(done)
    buffer.zero(from: done, to: end)
    return (done, UnsafeRawBufferPointer(rebasing: buffer[..<end]))
  }
}

extension UnsafeMutableRawBufferPointer {
  func zero(from start: Int, to end: Int) {
    UnsafeMutableRawBufferPointer(rebasing: self[start..<end]).initializeMemory(as: UInt8.self, repeating: 0)
  }
}

extension InodeItem {
  /// The attributes of a file of the host.
  init(_ status: stat) {
    let isDevice = [S_IFCHR, S_IFBLK].contains(status.st_mode & S_IFMT)
    self.init(
      mode: status.st_mode, owner: status.st_uid, group: status.st_gid, links: UInt32(clamping: status.st_nlink),
      device: isDevice ? UInt32(truncatingIfNeeded: status.st_rdev) : 0, size: UInt64(status.st_size),
      time: Clock.timestamp())
    accessed = Timestamp(status.st_atim)
    modified = Timestamp(status.st_mtim)
  }
}
