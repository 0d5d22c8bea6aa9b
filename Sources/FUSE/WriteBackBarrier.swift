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
/// marker. The two make a round, and one is enough for a file system without dirty pages. Otherwise
/// - `syncfs` leaves out pages that are being written when it comes by, though they may be dirty again. The marker waited
///   for that, so a second round finds them at rest, or being written with what they held when the barrier began;
/// - `syncfs` gives up when as many requests are in the background as the kernel allows, and more wait in a second queue
///   that the marker overtakes. Then that many were received until the marker was, and the round does not count.
///
/// The directory is opened anew each time: a descriptor held open would make every umount(8) fail as busy.
public struct WriteBackBarrier: Sendable {
  private let mountPoint: MountPoint
  private let session: Session
  private let agreement: Agreement
  /// Tells our file system from another one mounted over it or in its place.
  private let device: dev_t

  /// Prepares barriers for a session that serves what is mounted at `mountPoint`. Waits until it does.
  public init(_ mountPoint: MountPoint, _ session: Session) throws(Errno) {
    self.mountPoint = mountPoint
    self.session = session
    agreement = try session.waitUntilServing()
    let root = try Self.openRoot(mountPoint)
    device = try Self.device(of: root)
  }

  /// Lets the kernel keep as much written back later as for a disk, where that can be had.
  public func liftDirtyLimits() { BackingDevice(device).liftDirtyLimits() }

  /// Returns when everything written or dirtied before the call has been served by the session.
  ///
  /// Not for a thread that serves requests.
  ///
  /// - Throws: `.notConnected` when the file system is not mounted there any more; `.busy` when so much is written all the
  ///   time that no round counted.
  public func wait() throws(Errno) {
    let root = try Self.openRoot(mountPoint)
    guard try Self.device(of: root) == device else { throw .notConnected }
    var isSecond = false
    for _ in 0..<Self.patience {
      let round = try makeRound(root)
      if round.transfers >= guaranteedBackground { continue }
      if isSecond || round.writeBacks == 0 { return }
      isSecond = true
    }
    throw .busy
  }

  /// How many rounds it tries. Only where the kernel lets few requests into the background, and all of them are taken all the
  /// time, does a round not count.
  private static let patience = 1000

  /// Starts write-back, and waits until the requests that it made have been served.
  ///
  /// - Returns: how many requests that may be in the background, and how many writes from the page cache, were on their way
  ///   at some moment of it, or a few more.
  private func makeRound(_ root: borrowing FileDescriptor) throws(Errno) -> (transfers: Int, writeBacks: Int) {
    let underWay = session.transfersUnderWay
    let transfers = session.transfers.load(ordering: .relaxed)
    let writeBacks = session.writeBacks.load(ordering: .relaxed)
    guard linux_start_syncing_file_system(root.rawValue) == 0 else { throw .last }
    var statistics = statvfs()
    try retryingInterrupts { fstatvfs(root.rawValue, &statistics) }
    return (
      session.transfers.load(ordering: .relaxed) - transfers + underWay,
      session.writeBacks.load(ordering: .relaxed) - writeBacks + underWay
    )
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

  private static func openRoot(_ mountPoint: MountPoint) throws(Errno) -> FileDescriptor {
    try FileDescriptor(opening: mountPoint.path, flags: O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
  }

  private static func device(of root: borrowing FileDescriptor) throws(Errno) -> dev_t {
    var status = stat()
    try retryingInterrupts { fstat(root.rawValue, &status) }
    return status.st_dev
  }
}
