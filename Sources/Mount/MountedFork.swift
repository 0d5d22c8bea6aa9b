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
    /// Nobody but this process's user can write to the store: set-user-ID programs and devices work, where root mounts.
    public var isTrusted: Bool

    public init(name: String, writesBack: Bool = false, isTrusted: Bool = true) {
      self.name = name
      self.writesBack = writesBack
      self.isTrusted = isTrusted
    }
  }

  /// The file system's type in the mount table is `fuse.tine`.
  static let subtype = "tine"

  private let session: Session
  private let writeBack: WriteBackBarrier

  /// A directory to mount on, as another process has opened it, or by its path.
  public static func target(
    _ directory: consuming FileDescriptor, describedAs description: String
  ) throws(MountError) -> MountTarget {
    try MountTarget(directory, describedAs: description, subtype: subtype)
  }

  /// Mounts `fileSystem` on the directory `path`.
  public convenience init(
    _ fileSystem: FileSystem, at path: String, options: Options, journal: ConnectionJournal? = nil,
    onEnd: @escaping @Sendable (SessionEnd) -> Void = { _ in }
  ) throws(MountError) {
    try self.init(
      fileSystem, on: MountTarget(path, subtype: Self.subtype), options: options, journal: journal, onEnd: onEnd)
  }

  /// Mounts `fileSystem` on a directory, which is served when this returns. A file system that is read-only is mounted read-only.
  ///
  /// - Parameters:
  ///   - journal: keeps, for a process that takes over, which requests were carried out.
  ///   - onEnd: called once when it is served no more, whoever unmounted it. The store may then be closed.
  public init(
    _ fileSystem: FileSystem, on target: borrowing MountTarget, options: Options, journal: ConnectionJournal? = nil,
    onEnd: @escaping @Sendable (SessionEnd) -> Void = { _ in }
  ) throws(MountError) {
    let mountPoint = MountPoint(resolved: target.path)
    let channel = try target.mount(
      MountOptions(
        source: "tine:\(options.name)", subtype: Self.subtype, isReadOnly: fileSystem.isReadOnly,
        isTrusted: options.isTrusted))
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
      throw MountError(errno: error, mountPoint.path)
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
    Handover(path: mountPoint.path, device: device, agreement: writeBack.agreement)
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
    if handover.agreement.flags.contains(.asyncDirectIO) {
      Log.write("\(handover.path) was mounted by an older version: \(Self.staleCacheWarning)")
    }
    let mountPoint = MountPoint(resolved: handover.path, device: handover.device)
    let operations = ForkOperations(fileSystem, journal: journal)
    let nameless = fileSystem.isReadOnly ? [] : try fileSystem.inheritUses()
    session = try Session(channel: channel, inheriting: handover.agreement, operations: operations) { reason in
      operations.end()
      onEnd(reason)
    }
    writeBack = try WriteBackBarrier(mountPoint, session) { operations.path(of: $0) }
    // Whoever was answered just before may need a moment to make the kernel know a new file.
    if !nameless.isEmpty {
      session.later { [session] in for node in nameless { operations.removeUnused(node, session) } }
    }
  }

  private static let staleCacheWarning = """
    where a server on it uses asynchronous direct I/O, others may read old bytes until it is unmounted and mounted again
    """

  private var mountPoint: MountPoint { writeBack.mountPoint }

  /// The file system's device number, as stat(2) tells it of every file in it.
  public var device: UInt64 {
    guard let device = mountPoint.device else { preconditionFailure("a barrier knows the device of its mount") }
    return device
  }

  /// The directories at which it is mounted now, in the mount namespace of this process. At none of them any more, it is served
  /// for those who have a file of it open, or have it in a mount namespace of their own.
  public var places: [String] {
    let places = mountPoint.places
    // The device number of a file system that has gone may be another one's by now.
    return session.isConnected ? places : []
  }

  /// Mounts it at another directory as well. Both show the same at any time. Only root may.
  public func mountAgain(on target: borrowing MountTarget) throws(MountError) {
    try target.mountAgain(mountPoint, if: { session.isConnected })
  }

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

  /// Unmounts, at one directory or wherever it is mounted; `.busy` while somebody uses a file of it.
  ///
  /// A mount namespace that was made meanwhile, such as a container's, keeps the file system alive after that; it is then
  /// served until that namespace ends.
  ///
  /// - Returns: whether it is served no more, which this waits for `milliseconds` at most, unless it is mounted elsewhere still.
  @discardableResult
  public func unmount(at place: String? = nil, atMost milliseconds: Int = 2000) throws(MountError) -> Bool {
    let places = places
    guard !places.isEmpty else { throw MountError(.notMounted, mountPoint.path) }
    guard let place else {
      try mountPoint.unmount(lazily: false)
      return hasEnded(atMost: milliseconds)
    }
    try mountPoint.unmount(at: place, lazily: false)
    return places == [place] ? hasEnded(atMost: milliseconds) : false
  }

  /// Unmounts it, at one directory or everywhere. Whoever has a file open may go on; it is served until the last one is done.
  public func unmountLazily(at place: String? = nil) throws(MountError) {
    guard !places.isEmpty else { throw MountError(.notMounted, mountPoint.path) }
    if let place { try mountPoint.unmount(at: place, lazily: true) } else { try mountPoint.unmount(lazily: true) }
  }

  /// Unmounts it and ends the connection: whoever uses it gets ENOTCONN. False if that could not be done, for only root may.
  public func unmountByForce() -> Bool { session.isConnected && mountPoint.unmountByForce() }

  /// Waits `milliseconds` at most for its end; whether it has come.
  public func hasEnded(atMost milliseconds: Int) -> Bool { session.waitUntilEnded(atMost: milliseconds) != nil }

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
