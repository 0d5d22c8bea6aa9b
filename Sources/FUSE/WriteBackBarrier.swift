import CFUSE
import CLinux
import Glibc
import Synchronization
public import SystemIO

/// Makes the kernel hand over what it still keeps of a mounted file system: pages dirtied through shared mappings and, with
/// `writesBack`, written data.
///
/// `syncfs` starts writing dirty pages back, but does not wait on FUSE. When it returns, the WRITEs stand in the connection's
/// queue, so a request sent after it, a statfs, is read after them, and the session answers it only when they are done: a
/// marker. The two make a round, and one is enough for a file system without dirty pages. There are two exceptions:
/// - `syncfs` gives up when as many requests are in the background as the kernel allows, and more wait in a second queue
///   that the marker overtakes. Then that many were received until the marker was, and the round is repeated.
/// - The kernel keeps the writes of a file to itself while the file is resized, or while somebody waits for earlier ones; and
///   `syncfs` leaves out pages that are being written, though they may be dirty again. The session saw a resizing or a
///   write of such a file not long ago, so these files are waited for one by one. A session that took its connection over does not
///   know what the one before saw, and waits until that is long ago.
///
/// The directory is opened anew each time: a descriptor held open would make every umount(8) fail as busy.
public struct WriteBackBarrier: Sendable {
  /// The mount, with its device.
  public let mountPoint: MountPoint
  private let session: Session
  public let agreement: Agreement
  private let path: @Sendable (NodeID) -> [UInt8]?

  /// Prepares barriers for a session that serves what is mounted at `mountPoint`. Waits until it does.
  ///
  /// - Parameters:
  ///   - mountPoint: if its device is not known, it is looked for at the path.
  ///   - path: tells a path of a node, relative to the root; nil where it has no name, and need not be waited for.
  public init(
    _ mountPoint: MountPoint, _ session: Session,
    path: @escaping @Sendable (NodeID) -> [UInt8]?
  ) throws(Errno) {
    self.session = session
    self.path = path
    agreement = try session.waitUntilServing()
    if let known = mountPoint.device {
      device = known
    } else {
      device = try FileIdentity(of: try mountPoint.openRoot()).device
    }
    self.mountPoint = MountPoint(resolved: mountPoint.path, device: device)
  }

  /// Tells the file system from another one mounted over it or in its place.
  private let device: UInt64

  /// Lets the kernel keep as much written back later as for a disk, where that can be had.
  public func liftDirtyLimits() { BackingDevice(dev_t(device)).liftDirtyLimits() }

  /// Returns when everything written or dirtied before the call has been served by the session.
  ///
  /// Not for a thread that serves requests.
  ///
  /// - Throws: `.notConnected` when the session has ended; `.busy` when it serves a file system that cannot be reached, because
  ///   it was unmounted lazily and is still in use or something else is mounted over it, or when so much is written all the
  ///   time that no round counted.
  public func wait() throws(Errno) {
    let root: FileDescriptor
    do throws(Errno) {
      root = try mountPoint.openRoot()
    } catch {
      // A session learns of its end a moment after umount(8) has returned. An error may also come from another file system over it.
      if session.waitUntilEnded(atMost: 1000) != nil { throw .notConnected }
      throw [.noSuchFile, .notConnected].contains(error) ? .busy : error
    }
    // The device number of a file system that has gone may be another one's.
    guard session.isConnected else { throw .notConnected }
    try makeRounds(root)
    let missing = session.restless.millisecondsUntilComplete
    if missing > 0 { _ = session.waitUntilEnded(atMost: missing) }
    for node in session.restless.nodes { try settle(node, root) }
  }

  /// How many rounds it tries. Only where the kernel lets few requests into the background, and all of them are taken all the
  /// time, does a round not count.
  private static let patience = 1000

  private func makeRounds(_ root: borrowing FileDescriptor) throws(Errno) {
    for _ in 0..<Self.patience where try makeRound(root) < guaranteedBackground { return }
    throw .busy
  }

  /// Starts write-back, and waits until the requests that it made have been served.
  ///
  /// - Returns: how many requests were on their way at some moment of it that may be in the background, or a few more.
  private func makeRound(_ root: borrowing FileDescriptor) throws(Errno) -> Int {
    let underWay = session.transfersUnderWay
    let before = session.transfers.load(ordering: .relaxed)
    guard linux_start_syncing_file_system(root.rawValue) == 0 else { throw .last }
    var statistics = statvfs()
    try retryingInterrupts { fstatvfs(root.rawValue, &statistics) }
    return session.transfers.load(ordering: .relaxed) - before + underWay
  }

  /// Waits until a file has no dirty pages of before the call. Where it cannot be opened, the kernel writes them back to
  /// forget the file's content.
  private func settle(_ node: NodeID, _ root: borrowing FileDescriptor) throws(Errno) {
    guard let path = path(node) else { return }
    let descriptor = (path + [0]).withUnsafeBufferPointer { name in
      name.withMemoryRebound(to: CChar.self) {
        openat(root.rawValue, $0.baseAddress!, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC)
      }
    }
    guard descriptor >= 0 else { return try session.invalidate(node) }
    let file = FileDescriptor(owning: descriptor)
    var status = stat()
    try retryingInterrupts { fstat(file.rawValue, &status) }
    // The name may have passed to another file, or something else may be mounted on the way.
    guard UInt64(status.st_dev) == device, status.st_ino == node else { return try session.invalidate(node) }
    try retryingInterrupts { linux_write_back(file.rawValue) }
  }

  /// How many requests in the background the kernel surely lets through at a time.
  private var guaranteedBackground: Int {
    min(agreement.maximumBackground, Self.userLimit)
  }

  /// The kernel's limit for connections without CAP_SYS_ADMIN. Holding others to it costs at most a marker.
  private static let userLimit: Int = {
    let kernelDefault = 12
    guard let file = fopen("/sys/module/fuse/parameters/max_user_bgreq", "re") else { return kernelDefault }
    defer { fclose(file) }
    var text = [CChar](repeating: 0, count: 16)
    guard fgets(&text, Int32(text.count), file) != nil else { return kernelDefault }
    let limit = Int(atol(text))
    return limit > 0 ? limit : kernelDefault
  }()
}
