import CFUSE
import Glibc
import Synchronization
import SystemIO

extension Session {
  /// Starts the session's first leader.
  func startLeading() {
    activities.store(1, ordering: .relaxed)
    crew.adjustLimit(by: 1)
    if !callStandby() { endLead(.failed(.noMemory)) }
  }

  /// Gives up the lead; false when no thread can be had to take it, and it stays here.
  private func passLead() -> Bool {
    lead.pass() || callStandby() || !lead.take()
  }

  /// Lets a thread come for the lead. By the time it is awake, the one that passed it on may have taken it again.
  private func callStandby() -> Bool {
    lead.willCall()
    let isCalled = crew.run {
      self.lead.hasCome()
      if self.lead.take() { self.work() }
    }
    if !isCalled { lead.hasCome() }
    return isCalled
  }

  /// Reads and serves requests until the lead has passed to another thread or the session ends.
  private func work() {
    do {
      repeat { try serveWhatIsThere() } while sleep()
    } catch {
      endLead(SessionEnd(error))
    }
  }

  /// Serves requests until none comes for a moment, or the lead is gone.
  private func serveWhatIsThere() throws(Errno) {
    var current = Buffer.take()
    defer { current.giveBack() }
    while true {
      guard let count = try receive(into: current.memory) else { return }
      buffer = current
      serve(UnsafeMutableRawBufferPointer(rebasing: current.memory[..<count]))
      guard lead.isMine || lead.take() else { return }
      isTransferring.store(false, ordering: .releasing)
      if buffer == nil { current = Buffer.take() }
    }
  }

  /// Asks for a request without sleeping; nil when there is none.
  private func receive(into memory: UnsafeMutableRawBufferPointer) throws(Errno) -> Int? {
    if let count = try attempt(memory) { return count }
    return try polling.poll { () throws(Errno) in try attempt(memory) }
  }

  private func attempt(_ memory: UnsafeMutableRawBufferPointer) throws(Errno) -> Int? {
    let count = read(channel, memory.baseAddress, memory.count)
    if count > 0 { return count }
    if count == 0 { throw .noDevice }
    let error = Errno.last
    // ENOENT: the request was taken back before it could be read.
    if [.wouldBlock, .interrupted, .noSuchFile].contains(error) { return nil }
    throw error
  }

  /// Waits for a request; false when the lead is gone.
  private func sleep() -> Bool {
    guard lead.isMine, lead.willSleep() else { return false }
    let start = AdaptivePolling.now()
    var descriptor = pollfd(fd: channel, events: Int16(POLLIN), revents: 0)
    _ = poll(&descriptor, 1, -1)
    guard lead.hasWoken() else { return false }
    polling.hasSlept(since: start)
    return true
  }

  /// Lets libfuse take a request apart and call back.
  func serve(_ request: UnsafeMutableRawBufferPointer) {
    guard request.count >= MemoryLayout<fuse_in_header>.size else {
      return Log.write("the FUSE device gave a request of \(request.count) bytes")
    }
    let header = request.baseAddress!.assumingMemoryBound(to: fuse_in_header.self)
    let bytes = UnsafeRawBufferPointer(request)
    if header.pointee.opcode == FUSE_INIT.rawValue { negotiation.note(header.pointee, bytes) }
    incoming = Incoming(&header.pointee, bytes)
    if incoming.isTransfer { beginTransfer() }
    if incoming.mayHoldBackWrites { restless.note(header.pointee.nodeid) }
    var message = fuse_buf()
    message.size = request.count
    message.mem = request.baseAddress
    fuse_session_process_buf(handle, &message)
  }
}

extension Session {
  /// Runs `body` where it may block (see `Request.detached`).
  public func detach(isOrdered: Bool, _ body: @escaping () -> Void) {
    guard lead.isMine else { return body() }
    let ticket = isOrdered ? order.begin() : nil
    activities.add(1, ordering: .releasing)
    nonisolated(unsafe) let body = body
    let work: Crew.Job = {
      body()
      if let ticket { self.order.end(ticket) }
      self.finishActivity()
    }
    isTransferring.store(false, ordering: .releasing)
    if passLead() { work() } else { postpone(work) }
  }

  /// All threads are busy: the work waits for one, and takes the request's memory along. When too much waits already, it
  /// runs here and holds up the reading of more.
  private func postpone(_ work: @escaping Crew.Job) {
    let taken = buffer
    let isQueued = crew.enqueue {
      work()
      taken?.giveBack()
    }
    if isQueued { buffer = nil } else { work() }
  }

  private func endLead(_ reason: SessionEnd) {
    self.reason.withLock { $0 = reason }
    lead.end()
    crew.adjustLimit(by: -1)
    finishActivity()
  }

  private func finishActivity() {
    if activities.subtract(1, ordering: .acquiringAndReleasing).newValue == 0 { hasEnded() }
  }
}

/// What a `WriteBackBarrier` wants to know.
extension Session {
  fileprivate func beginTransfer() {
    isTransferring.store(true, ordering: .releasing)
    transfers.add(1, ordering: .relaxed)
  }

  /// How many requests are being served that may be transfers, at most. A detached one counts as detached before it ceases
  /// to count as the leader's, so it is seen once at least.
  var transfersUnderWay: Int {
    let isLeaderTransferring = isTransferring.load(ordering: .acquiring)
    return activities.load(ordering: .acquiring) - 1 + (isLeaderTransferring ? 1 : 0)
  }
}
