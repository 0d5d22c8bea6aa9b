public import Ledger
public import Store
public import SystemIO
import Tree

/// POSIX on one fork, or read-only on a snapshot. The methods are named as the system calls and throw their error
/// numbers. Permissions and locks are not checked here: that is for the kernel above.
///
/// Every change is one record: it happens whole or not at all. Content is kept in pages of 4 KiB; the part of the
/// last page behind the end of a file is always zero.
public final class FileSystem: Sendable {
  public static let rootInode: InodeNumber = 1
  static let longestName = 255

  let volume: Volume
  /// The same volume; calls on it may wait for the disk.
  let blockingVolume: Volume
  let references: References

  /// - Parameter volume: a fork needs a root directory before anything else (`makeRoot`).
  public convenience init(_ volume: Volume) { self.init(volume, blocking: volume, References()) }

  private init(_ volume: Volume, blocking blockingVolume: Volume, _ references: References) {
    self.volume = volume
    self.blockingVolume = blockingVolume
    self.references = references
  }

  /// The same file system for those who may not wait for the disk: where that would be necessary, a call throws `wouldBlock` and has
  /// changed nothing.
  public func nonblocking() -> FileSystem { FileSystem(volume.nonblocking(), blocking: volume, references) }

  /// The same file system for one change whose record in the ledger is to be witnessed. What others of its calls append,
  /// to finish what an earlier record has begun, is not.
  public func witnessed(by witness: any AppendWitness) -> FileSystem {
    FileSystem(volume.witnessed(by: witness), blocking: blockingVolume, references)
  }

  /// Lets the fork or snapshot be dropped from now on. The file system must not be used after that.
  public func endUse() {
    volume.endUse()
    blockingVolume.endUse()
  }

  public var isReadOnly: Bool { volume.isReadOnly }

  /// The name of the fork or snapshot.
  public var name: String { volume.name }

  /// Gives an empty fork its root directory.
  public func makeRoot(mode: UInt32, _ credentials: Credentials) throws(Errno) {
    try volume.transaction(.makeDirectory) { (transaction) throws(Errno) in
      let root = InodeItem(
        mode: Mode.directory | mode & Mode.permissionMask, owner: credentials.user, group: credentials.group, links: 2,
        time: transaction.time)
      transaction.put(root, Self.rootInode)
      transaction.mutation.inodes = 1
    }
  }

  // MARK: Looking

  public func getattr(_ inode: InodeNumber) throws(Errno) -> Attributes { Attributes(inode, try item(inode)) }

  /// Finds a name in a directory. "." and ".." lead to the inode itself, which need not be a directory, and to its parent,
  /// for handles of inodes that the kernel has forgotten. One whose last name is gone as well is not to come back.
  public func lookup(_ parent: InodeNumber, _ name: [UInt8]) throws(Errno) -> Attributes {
    guard name.count <= Self.longestName else { throw .nameTooLong }
    if name.isDots {
      let attributes = try getattr(name.count == 1 ? parent : self.parent(of: parent))
      guard attributes.links > 0 else { throw .stale }
      return attributes
    }
    let keys = dentryKeys(parent, name)
    let found = try reading { (tree) throws(TreeError) -> Attributes? in
      guard let dentry = try tree.dentry(keys, named: name) else { return nil }
      guard let item = try tree.inode(dentry.item.inode) else {
        throw .damaged("directory \(parent) has an entry for inode \(dentry.item.inode), which is not there")
      }
      return Attributes(dentry.item.inode, item)
    }
    guard let found else { throw .noSuchFile }
    return found
  }

  public func readlink(_ inode: InodeNumber) throws(Errno) -> [UInt8] {
    guard try item(inode).isSymbolicLink else { throw .invalidArgument }
    let target = try volume.value { (tree) throws(TreeError) in
      if let short = try tree.find(TreeKey(inode, .symbolicLink)) { return .short([UInt8](short)) }
      guard let item = try tree.inode(inode) else { return .absent }
      let range = PageRange(offset: 0, count: Int(item.size))
      return .long(ReadPlan(range: range, extents: try tree.extents(of: inode, range.pages)))
    }
    guard let target else { throw .stale }
    return target
  }

  public func statfs() throws(Errno) -> FileSystemStatistics {
    let unit = UInt64(4096)
    let capacity = try volume.store.capacity()
    let inodes = volume.usage.inodes
    // Inodes are limited by space alone; an eighth of a page each is what they take with their names.
    let freeFiles = capacity.free / 512
    return FileSystemStatistics(
      blockSize: unit, blocks: capacity.total / unit, freeBlocks: capacity.free / unit, files: inodes + freeFiles,
      freeFiles: freeFiles, maximumNameLength: UInt64(Self.longestName))
  }

  /// Waits until everything that was changed in this fork is durable.
  public func fsync() throws(Errno) {
    do throws(LedgerError) { try volume.flush() } catch { throw Errno(error) }
  }

  // MARK: Helpers

  func reading<Result>(_ body: (TreeReader) throws(TreeError) -> Result) throws(Errno) -> Result {
    do throws(TreeError) { return try volume.reading(body) } catch { throw Errno(error) }
  }

  func item(_ inode: InodeNumber) throws(Errno) -> InodeItem {
    guard let item = try reading({ (tree) throws(TreeError) in try tree.inode(inode) }) else { throw .stale }
    return item
  }

  /// The directory that a directory stands in; the root stands in itself.
  func parent(of directory: InodeNumber) throws(Errno) -> InodeNumber {
    try reading { (tree) throws(TreeError) in try tree.parent(of: directory) } ?? directory
  }

  func dentryKeys(_ parent: InodeNumber, _ name: [UInt8]) -> ClosedRange<TreeKey> {
    volume.store.nameHash.keys(parent, .dentry, name)
  }
}

extension [UInt8] {
  /// Whether this is the name "." or "..", which every directory has and no entry may have.
  var isDots: Bool { (count == 1 || count == 2) && allSatisfy { $0 == UInt8(ascii: ".") } }
}
