import CLinux
import FileSystem
import Glibc
public import Store
import SystemIO

/// Writes the present state of a fork or snapshot into a directory of the host, with everything that an import takes.
/// It is made under another name beside it and renamed at the end, so the directory is whole or not there.
///
/// - Parameters:
///   - path: must not exist, or be an empty directory.
///   - progress: told about every entry; returns false to cancel.
@discardableResult
public func exportDirectory(
  _ reference: Reference, of store: Store, to path: String,
  progress: @escaping @Sendable (TransferProgress) -> Bool = { _ in true }
) throws(StoreError) -> TransferProgress {
  let target = Array(path.utf8)
  if let status = try? HostFile.status(target), status.st_mode & S_IFMT != S_IFDIR {
    throw StoreError(
      .conflict, "export to \(path.quoted): it is not a directory", hint: "name one that does not exist yet")
  }
  if let names = try? HostFile.names(in: target), !names.isEmpty {
    throw StoreError(
      .conflict, "export to \(path.quoted): the directory is not empty",
      hint: "name a directory that does not exist yet")
  }
  let fileSystem = FileSystem(try store.frozenVolume(reference))
  let temporary = target + Array(".tine-export-\(getpid())".utf8)
  let meter = TransferMeter(progress)
  do throws(TransferFailure) {
    do throws(TransferFailure) {
      let export = ExportWalk(fileSystem, meter)
      try export.run(temporary)
      try at(target) { () throws(Errno) in
        _ = try HostFile.withPath(temporary) { (from) throws(Errno) in
          try HostFile.withPath(target) { (to) throws(Errno) in try retryingInterrupts { rename(from, to) } }
        }
      }
    } catch {
      try removeTree(temporary)
      throw error
    }
  } catch {
    throw error.storeError("export")
  }
  return meter.total
}

/// Removes what a failed export has made.
private func removeTree(_ path: [UInt8]) throws(TransferFailure) {
  guard let status = try? HostFile.status(path) else { return }
  let isDirectory = status.st_mode & S_IFMT == S_IFDIR
  if isDirectory {
    for name in try at(path, { () throws(Errno) in try HostFile.names(in: path) }) { try removeTree(join(path, name)) }
  }
  try at(path) { () throws(Errno) in
    _ = try HostFile.withPath(path) { (path) throws(Errno) in
      try retryingInterrupts { isDirectory ? rmdir(path) : unlink(path) }
    }
  }
}

/// Writes one tree.
private final class ExportWalk {
  private let fileSystem: FileSystem
  private let meter: TransferMeter
  private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 4096)
  /// The first path of each inode with several names.
  private var linked: [InodeNumber: [UInt8]] = [:]

  init(_ fileSystem: FileSystem, _ meter: TransferMeter) {
    self.fileSystem = fileSystem
    self.meter = meter
  }

  deinit { buffer.deallocate() }

  func run(_ path: [UInt8]) throws(TransferFailure) {
    let root = try at(path) { () throws(Errno) in try fileSystem.getattr(FileSystem.rootInode) }
    try directory(root, path)
  }

  private func directory(_ attributes: Attributes, _ path: [UInt8]) throws(TransferFailure) {
    try at(path) { () throws(Errno) in
      _ = try HostFile.withPath(path) { (path) throws(Errno) in try retryingInterrupts { mkdir(path, 0o700) } }
    }
    var entries: [DirectoryEntry] = []
    try at(path) { () throws(Errno) in
      try fileSystem.readdir(attributes.inode, after: 2) { entry in
        entries.append(entry)
        return true
      }
    }
    for entry in entries {
      let child = join(path, entry.name)
      let attributes = try at(child) { () throws(Errno) in try fileSystem.getattr(entry.inode) }
      if attributes.mode & S_IFMT == S_IFDIR {
        try directory(attributes, child)
      } else {
        try at(child) { () throws(Errno) in try self.entry(attributes, child) }
      }
    }
    try at(path) { () throws(Errno) in
      try describe(attributes, path)
      try meter.add(entries: 1)
    }
  }

  private func entry(_ attributes: Attributes, _ path: [UInt8]) throws(Errno) {
    if attributes.links > 1 {
      if let first = linked[attributes.inode] {
        _ = try HostFile.withPath(first) { (first) throws(Errno) in
          try HostFile.withPath(path) { (path) throws(Errno) in try retryingInterrupts { link(first, path) } }
        }
        return try meter.add(entries: 1)
      }
      linked[attributes.inode] = path
    }
    switch attributes.mode & S_IFMT {
    case S_IFREG: try content(attributes, path)
    case S_IFLNK:
      let target = try fileSystem.readlink(attributes.inode)
      _ = try HostFile.withPath(target) { (target) throws(Errno) in
        try HostFile.withPath(path) { (path) throws(Errno) in try retryingInterrupts { symlink(target, path) } }
      }
    default:
      _ = try HostFile.withPath(path) { (path) throws(Errno) in
        try retryingInterrupts { mknod(path, attributes.mode, dev_t(attributes.device)) }
      }
    }
    try describe(attributes, path)
    try meter.add(entries: 1)
  }

  private func content(_ attributes: Attributes, _ path: [UInt8]) throws(Errno) {
    let file = try HostFile.open(path, O_WRONLY | O_CREAT | O_EXCL, 0o600)
    try retryingInterrupts { ftruncate(file.rawValue, off_t(attributes.size)) }
    var offset: UInt64 = 0
    while let data = try nextData(attributes.inode, offset) {
      let count = try fileSystem.read(attributes.inode, at: data, into: buffer)
      guard count > 0 else { return }
      var done = 0
      while done < count {
        done += try retryingInterrupts {
          pwrite(file.rawValue, buffer.baseAddress! + done, count - done, off_t(data) + off_t(done))
        }
      }
      try meter.add(bytes: UInt64(count))
      offset = data + UInt64(count)
    }
  }

  private func nextData(_ inode: InodeNumber, _ offset: UInt64) throws(Errno) -> UInt64? {
    do throws(Errno) { return try fileSystem.lseek(inode, offset: offset, whence: 3) } catch {
      if error == .noSuchDeviceOrAddress { return nil }
      throw error
    }
  }

  /// Owner, attributes, permissions and times, in the order in which one does not undo another.
  private func describe(_ attributes: Attributes, _ path: [UInt8]) throws(Errno) {
    let names = try fileSystem.listxattr(attributes.inode)
    try HostFile.withPath(path) { (path) throws(Errno) in
      // Only root can give files away; for anybody else they belong to who exports them, as with cp -a.
      if geteuid() == 0 { try retryingInterrupts { lchown(path, attributes.owner, attributes.group) } }
      if attributes.mode & S_IFMT != S_IFLNK {
        try retryingInterrupts { chmod(path, attributes.mode & 0o7777) }
      }
      for name in names {
        let value = try fileSystem.getxattr(attributes.inode, name)
        do throws(Errno) {
          _ = try HostFile.withPath(name) { (name) throws(Errno) in
            try retryingInterrupts {
              value.withUnsafeBytes { linux_set_attribute(path, name, $0.baseAddress, $0.count) }
            }
          }
        } catch {
          // Some namespaces are root's; like the owner, they are left out for anybody else.
          guard error == .notPermitted, geteuid() != 0 else { throw error }
        }
      }
      let times = [attributes.accessed.timespec, attributes.modified.timespec]
      try retryingInterrupts { utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW) }
    }
  }
}
