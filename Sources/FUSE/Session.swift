import CFUSE
import Glibc
import Synchronization
public import SystemIO

/// A connection to the kernel, served until the file system is unmounted.
///
/// One thread at a time reads the requests of a session and serves them; it leads the session. A request that may block
/// lets another thread of the crew take the lead (`Request.detached`) and goes on where it is, so it is neither handed over
/// nor copied, and reading never stops.
public final class Session: @unchecked Sendable {
  let operations: any Operations
  let crew: Crew
  /// The descriptor that requests are read from. Whoever has a copy of it keeps the connection alive.
  public let channel: Int32
  let order = WorkOrder()
  /// libfuse's session. It owns the channel, and lives as long as this object.
  private(set) var handle: OpaquePointer!
  private let state = Monitor(Stage.starting)

  let lead = Lead()
  /// The lead and every detached body; the session has ended when nothing is left.
  let activities = Atomic<Int>(0)
  /// How many requests were received that the kernel may send in the background: reads, writes, releases.
  let transfers = Atomic<Int>(0)
  /// Of which nodes the kernel may hold back writes of dirty pages.
  let restless: RecentNodes
  /// Whether the leading thread serves one of them.
  let isTransferring = Atomic(false)
  let reason = Mutex(SessionEnd.unmounted)
  let hasAgreement = Atomic(false)

  /// What follows belongs to the leading thread.
  var negotiation: Negotiation
  var incoming = Incoming()
  var polling = AdaptivePolling()
  /// The memory of the request that is being served, unless a detached body has taken it along.
  var buffer: Buffer?

  private enum Stage {
    case starting
    case serving(Agreement)
    case ended(SessionEnd)
  }

  private let onEnd: @Sendable (SessionEnd) -> Void

  /// Serves the requests that come through `channel`, an open /dev/fuse that belongs to a mount, until it ends.
  ///
  /// - Parameters:
  ///   - inherited: what a process that has died, and served it before, had agreed on with the kernel. What it left unanswered
  ///     comes again (`RequestNumber.isResent`), before everything that is new.
  ///   - onEnd: called once, on a thread of the crew, when the session has ended and no request is under way.
  public init(
    channel: consuming FileDescriptor, inheriting inherited: Agreement? = nil,
    configuration: Configuration = Configuration(), operations: any Operations, crew: Crew = .shared,
    onEnd: @escaping @Sendable (SessionEnd) -> Void = { _ in }
  ) throws(Errno) {
    self.operations = operations
    self.crew = crew
    self.onEnd = onEnd
    self.channel = channel.rawValue
    restless = RecentNodes(othersWereNoted: inherited != nil)
    negotiation = Negotiation(configuration, inherited: inherited)
    let flags = fcntl(channel.rawValue, F_GETFL)
    guard flags >= 0, fcntl(channel.rawValue, F_SETFL, flags | O_NONBLOCK) == 0 else { throw .last }
    handle = try makeHandle()
    var hooks = fuse_custom_io()
    hooks.read = { channel, bytes, count, _ in Glibc.read(channel, bytes, count) }
    hooks.writev = { channel, vectors, count, session in
      Unmanaged<Session>.fromOpaque(session!).takeUnretainedValue().send(vectors!, count)
    }
    guard fuse_session_custom_io(handle, &hooks, channel.rawValue) == 0 else { throw .noMemory }
    _ = channel.release()
    if let inherited { try takeOver(inherited) }
    startLeading()
  }

  deinit {
    if let handle { fuse_session_destroy(handle) }
  }

  private func makeHandle() throws(Errno) -> OpaquePointer {
    Log.redirection
    var arguments = fuse_args()
    defer { fuse_opt_free_args(&arguments) }
    guard fuse_opt_add_arg(&arguments, "fuse") == 0 else { throw .noMemory }
    let handle = fuse_session_new(
      &arguments, Callbacks.table, MemoryLayout<fuse_lowlevel_ops>.size, Unmanaged.passUnretained(self).toOpaque())
    guard let handle else { throw .noMemory }
    // libfuse prints write errors to standard error unless the session has "exited"; it looks at that in its own loop only.
    fuse_session_exit(handle)
    return handle
  }

  /// Waits until the kernel and the session have agreed on how to work together.
  ///
  /// - Throws: `.notConnected` when the session ended before.
  public func waitUntilServing() throws(Errno) -> Agreement {
    let agreement: Agreement?? = state.wait { stage in
      switch stage {
      case .starting: return nil
      case .serving(let agreement): return .some(agreement)
      case .ended: return .some(nil)
      }
    }
    guard let agreement = agreement ?? nil else { throw .notConnected }
    return agreement
  }

  /// Whether the kernel still has the file system. It says so at once after the last unmount, before it gives the device number to
  /// another file system, and before the session notices.
  public var isConnected: Bool {
    var event = pollfd(fd: channel, events: 0, revents: 0)
    return poll(&event, 1, 0) == 0
  }

  /// Waits until the session has ended.
  @discardableResult
  public func waitUntilEnded() -> SessionEnd {
    state.wait { stage in
      if case .ended(let reason) = stage { return reason }
      return nil
    }
  }

  /// Waits until the session has ended, `milliseconds` at most; nil where it has not.
  public func waitUntilEnded(atMost milliseconds: Int) -> SessionEnd? {
    state.wait(atMost: milliseconds) { stage in
      if case .ended(let reason) = stage { return reason }
      return nil
    }
  }

  /// The hook through which libfuse sends every answer and notification.
  private func send(_ vectors: UnsafeMutablePointer<iovec>, _ count: Int32) -> Int {
    if !hasAgreement.load(ordering: .relaxed), let agreement = negotiation.patch(vectors, count) {
      hasAgreement.store(true, ordering: .relaxed)
      state.notifyAll { $0 = .serving(agreement) }
      if negotiation.isInherited { return (0..<Int(count)).reduce(0) { $0 + vectors[$1].iov_len } }
    }
    let written = Glibc.writev(channel, vectors, count)
    if written < 0 { reportFailedSend(Errno.last) }
    return written
  }

  /// ENOENT says that nobody waits for the answer any more, or that an invalidated inode was not cached.
  private func reportFailedSend(_ error: Errno) {
    let isExpected = [.noSuchFile, .noDevice, .notConnected].contains(error)
    if !isExpected { Log.write("cannot write to the FUSE device: \(error)") }
    errno = error.rawValue
  }

  func hasEnded() {
    let reason = reason.withLock { $0 }
    onEnd(reason)
    state.notifyAll { $0 = .ended(reason) }
  }
}

/// Why a session is over.
public enum SessionEnd: Sendable, Equatable {
  case unmounted
  /// The connection was cut while the file system was mounted.
  case aborted
  case failed(Errno)

  init(_ error: Errno) {
    switch error {
    case .noDevice: self = .unmounted
    case .connectionAborted: self = .aborted
    default: self = .failed(error)
    }
  }
}

extension Errno {
  static let connectionAborted = Errno(rawValue: ECONNABORTED)
}
