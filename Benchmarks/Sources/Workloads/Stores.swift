public import FileSystem
public import Store
public import SystemIO

// The stores that forks and diffs are measured on. They are built through the calls of an import, in this process: a
// million files take half a minute.

/// What a store holds before the measuring begins.
public enum StoreShape: String, CaseIterable, Sendable {
  /// 10 files, 1 MiB together.
  case small = "10 files"
  /// 1,000,000 files of 64 bytes in 1,000 directories.
  case manyFiles = "1,000,000 files"
  /// One file of 50 GiB whose content is spread over more than 50,000 extents.
  case hugeFile = "50 GiB file"
}

extension StoreShape {
  /// Makes a store with this content as the fork `prod`.
  public func makeStore(at path: String, options: StoreOptions = StoreOptions()) throws -> Store {
    try Store.create(at: path)
    let store = try Store.open(at: path, options: options)
    _ = try store.createFork(named: "prod")
    let fileSystem = FileSystem(try store.volume(try Reference(fork: "prod")))
    try fileSystem.makeRoot(mode: 0o755, .root)
    switch self {
    case .small:
      let content = ContentBuffer(count: 104 << 10)
      for index in 0..<10 {
        content.renew(UInt64(index))
        try fileSystem.addFile("file\(index)", content: content.content)
      }
    case .manyFiles: try fileSystem.addManyFiles(directories: 1000, filesEach: 1000)
    case .hugeFile: try fileSystem.addHugeFile("huge", gibibytes: 50)
    }
    try store.flush()
    return store
  }
}

extension Credentials {
  public static var root: Credentials { Credentials(user: 0, group: 0) }
}

extension FileSystem {
  /// Adds a regular file with whole pages of content, 1 MiB at most.
  @discardableResult
  public func addFile(
    _ name: String, in parent: InodeNumber = FileSystem.rootInode, size: UInt64? = nil, content: UnsafeRawBufferPointer
  ) throws(Errno) -> InodeNumber {
    let item = InodeItem(
      mode: 0o100644, owner: 0, group: 0, links: 1, size: size ?? UInt64(content.count), time: Clock.timestamp())
    return try importEntry(ImportedEntry(parent: parent, name: Array(name.utf8), item: item), content: content)
  }

  public func addDirectory(_ name: String) throws(Errno) -> InodeNumber {
    let item = InodeItem(mode: 0o040755, owner: 0, group: 0, links: 2, time: Clock.timestamp())
    return try importEntry(
      ImportedEntry(parent: FileSystem.rootInode, name: Array(name.utf8), item: item),
      content: UnsafeRawBufferPointer(start: nil, count: 0))
  }

  /// Files of one short page each, no two alike.
  public func addManyFiles(directories: Int, filesEach: Int) throws(Errno) {
    let page = ContentBuffer(count: 4096)
    page.bytes.initializeMemory(as: UInt8.self, repeating: 0)
    for directory in 0..<directories {
      let inode = try addDirectory("directory\(directory)")
      for file in 0..<filesEach {
        page.bytes.storeBytes(of: UInt64(directory * filesEach + file + 1), as: UInt64.self)
        try addFile("file\(file)", in: inode, size: 64, content: page.content)
      }
    }
  }

  /// A file whose mebibytes come from three places in turn, so that no two neighbours make one extent.
  public func addHugeFile(_ name: String, gibibytes: Int) throws(Errno) {
    let mebibyte: UInt64 = 1 << 20
    let content = ContentBuffer(count: Int(mebibyte))
    let inode = try addFile(name, content: content.content)
    for index in 1..<3 {
      content.renew(UInt64(index))
      _ = try write(inode, at: UInt64(index) * mebibyte, content.content)
      // A hole keeps the extents of neighbours apart while they are written one behind the other.
      _ = try write(
        inode, at: UInt64(index) * mebibyte + 4096, UnsafeRawBufferPointer(rebasing: content.content[..<4096]))
    }
    var size = 3 * mebibyte
    let end = UInt64(gibibytes) << 30
    while size < end {
      let count = min(size, end - size, 1 << 30)
      size += try copyFileRange(inode, at: size - count, to: inode, at: size, length: count)
    }
  }
}
