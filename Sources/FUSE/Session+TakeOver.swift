import CFUSE
import Glibc
import Synchronization
public import SystemIO

/// Going on with a connection whose process has died while somebody kept its channel.
///
/// The kernel is not asked to agree again: this process's libfuse is shown the INIT request that came first, and its answer
/// is swallowed. Then the kernel is told to send again what was read and never answered (FUSE_NOTIFY_RESEND). It puts that in
/// front of what waits, so the requests that come again are read before all others.
extension Session {
  func takeOver(_ inherited: Agreement) throws(Errno) {
    var request = inherited.request
    request.withUnsafeMutableBytes { serve($0) }
    guard hasAgreement.load(ordering: .relaxed) else { throw .invalidArgument }
    var notification = fuse_out_header()
    notification.len = UInt32(MemoryLayout<fuse_out_header>.size)
    notification.error = Self.resend
    if write(channel, &notification, MemoryLayout<fuse_out_header>.size) < 0, Errno.last != .noDevice {
      Log.write("cannot ask the kernel to send requests again: \(Errno.last)")
    }
  }

  /// FUSE_NOTIFY_RESEND, since protocol 7.40.
  private static let resend: Int32 = 7

  /// Runs `body` on another thread in a second, unless the session has ended by then.
  public func later(_ body: @escaping @Sendable () -> Void) {
    let job: Crew.Job = { if self.waitUntilEnded(atMost: 1000) == nil { body() } }
    if !crew.run(job) { job() }
  }

  /// Whether the kernel knows a node: it has it in memory, and will tell when it forgets it. Not for a thread that serves a
  /// request (see `invalidate`).
  public func isKnown(_ node: NodeID) throws(Errno) -> Bool {
    let error = Errno(rawValue: -fuse_lowlevel_notify_inval_inode(handle, node, -1, 0))
    if error.rawValue == 0 { return true }
    if error == .noSuchFile { return false }
    throw error
  }
}
