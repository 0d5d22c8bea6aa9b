public import FUSE
public import FileSystem
public import Store
public import SystemIO

/// A fork or snapshot that is mounted in a directory, served by this process until it is unmounted.
public final class MountedFork: Sendable {
  public struct Options: Sendable {
    /// What df(1) shows, after `tine:`.
    public var name: String
    /// The kernel keeps written data back for a while: faster, but a fork may then capture unsynced writes in another
    /// order than they were made in.
    public var writesBack: Bool

    public init(name: String, writesBack: Bool = false) {
      self.name = name
      self.writesBack = writesBack
    }
  }

  /// The file system's type in the mount table is `fuse.tine`.
  static let subtype = "tine"

  private let mountPoint: MountPoint
  private let session: Session
  private let writeBack: WriteBackBarrier

  /// Mounts `fileSystem` on the directory `path`, which is served when this returns. A file system that is read-only is
  /// mounted read-only.
  ///
  /// - Parameters:
  ///   - journal: keeps, for a process that takes over, which requests were carried out.
  ///   - onEnd: called once when it is served no more, whoever unmounted it. The store may then be closed.
  public init(
    _ fileSystem: FileSystem, at path: String, options: Options, journal: ConnectionJournal? = nil,
    onEnd: @escaping @Sendable (SessionEnd) -> Void = { _ in }
  ) throws(MountError) {
    mountPoint = try MountPoint(path, subtype: Self.subtype)
    let channel = try mountPoint.mount(
      MountOptions(source: "tine:\(options.name)", subtype: Self.subtype, isReadOnly: fileSystem.isReadOnly))
    var configuration = Configuration()
    configuration.accessControlLists = true
    configuration.findsInodes = true
    configuration.allowsResending = true
    configuration.writesBack = options.writesBack && !fileSystem.isReadOnly
    let operations = ForkOperations(fileSystem, journal: journal)
    do throws(Errno) {
      // Files that were open without a name when the fork was taken, or when its last daemon died, are nobody's now.
      if !fileSystem.isReadOnly { try fileSystem.purgeOrphans() }
      session = try Session(channel: channel, configuration: configuration, operations: operations) { reason in
        operations.end()
        onEnd(reason)
      }
      writeBack = try WriteBackBarrier(mountPoint, session) { operations.path(of: $0) }
      writeBack.liftDirtyLimits()
    } catch {
      // Nothing serves it, so it must not stay; the first error is the one to report.
      try? mountPoint.unmount(lazily: true)
      throw MountError(errno: error, path)
    }
  }

  /// What a process needs, beside the channel, to go on serving a mount.
  public struct Handover: Sendable {
    public let path: String
    /// The file system's device number.
    public let device: UInt64
    public let agreement: Agreement

    public init(path: String, device: UInt64, agreement: Agreement) {
      self.path = path
      self.device = device
      self.agreement = agreement
    }
  }

  /// For whoever keeps the mount alive beyond this process: what it must have, and the descriptor that it must have a copy of.
  public var handover: Handover {
    Handover(path: path, device: writeBack.fileSystemDevice, agreement: writeBack.agreement)
  }

  public var channel: Int32 { session.channel }

  /// Goes on serving what a process has mounted that died: whoever uses the mount sees a pause. Files that it had open without
  /// a name live on; those that nobody uses any more are removed.
  ///
  /// - Parameters:
  ///   - channel: a copy of the descriptor that the process had.
  ///   - fileSystem: the same fork or snapshot, just opened.
  public init(
    takingOver handover: Handover, channel: consuming FileDescriptor, _ fileSystem: FileSystem,
    journal: ConnectionJournal?, onEnd: @escaping @Sendable (SessionEnd) -> Void = { _ in }
  ) throws(Errno) {
    mountPoint = MountPoint(resolved: handover.path)
    if handover.agreement.flags.contains(.asyncDirectIO) {
      Log.write("\(handover.path) was mounted by an older version: \(Self.staleCacheWarning)")
    }
    let operations = ForkOperations(fileSystem, journal: journal)
    let nameless = fileSystem.isReadOnly ? [] : try fileSystem.inheritUses()
    session = try Session(channel: channel, inheriting: handover.agreement, operations: operations) { reason in
      operations.end()
      onEnd(reason)
    }
    writeBack = try WriteBackBarrier(mountPoint, session, device: handover.device) { operations.path(of: $0) }
    // Whoever was answered just before may need a moment to make the kernel know a new file.
    if !nameless.isEmpty {
      session.later { [session] in for node in nameless { operations.removeUnused(node, session) } }
    }
  }

  private static let staleCacheWarning = """
    where a server on it uses asynchronous direct I/O, others may read old bytes until it is unmounted and mounted again
    """

  /// The mount point: absolute, without symbolic links.
  public var path: String { mountPoint.path }

  /// Whether it is still on its directory. Off it, it is served for those who have a file of it open, or have it in a mount
  /// namespace of their own.
  public var isInPlace: Bool { mountPoint.holds(writeBack.fileSystemDevice) }

  /// Returns when everything that was written, renamed and so on before the call, and what was dirtied through shared
  /// mappings, has reached the file system: what is forked then contains it.
  ///
  /// It asks the mount itself, so it must not be called by a thread that serves requests.
  ///
  /// - Throws: `.notConnected` when it is served no more, `.busy` when it is served and cannot be reached (see
  ///   `WriteBackBarrier.wait`).
  public func barrier() throws(Errno) {
    try writeBack.wait()
  }

  /// Unmounts; `.busy` while somebody uses a file of it.
  ///
  /// A mount namespace that was made meanwhile, such as a container's, keeps the file system alive after that; it is then
  /// served until that namespace ends.
  ///
  /// - Returns: whether it is served no more, which this waits for `milliseconds` at most.
  @discardableResult
  public func unmount(atMost milliseconds: Int = 2000) throws(MountError) -> Bool {
    try mountPoint.unmount(lazily: false)
    return session.waitUntilEnded(atMost: milliseconds) != nil
  }

  /// Takes it off its directory. Whoever has a file open may go on; it is served until the last one is done.
  public func unmountLazily() throws(MountError) {
    try mountPoint.unmount(lazily: true)
  }

  /// Waits until it is served no more.
  @discardableResult
  public func waitUntilEnded() -> SessionEnd {
    session.waitUntilEnded()
  }

  /// Makes the kernel forget what it knows of an inode that was changed from outside.
  public func invalidate(_ inode: InodeNumber) throws(Errno) {
    try session.invalidate(inode)
  }

  /// Makes the kernel forget what it knows of a name that was changed from outside.
  public func invalidate(_ name: [UInt8], in parent: InodeNumber) throws(Errno) {
    try session.invalidate(name, in: parent)
  }
}
