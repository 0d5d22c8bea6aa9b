import CFUSE
import Glibc
import Synchronization
import SystemIO

extension Session {
  /// Starts the session's first leader.
  func startLeading() {
    activities.store(1, ordering: .relaxed)
    crew.adjustLimit(by: 1)
    if !crew.run({ self.lead() }) { endLead(.failed(.noMemory)) }
  }

  /// Whether the calling thread leads. Only that thread writes its own name, so its answer cannot be stale.
  private var isLeading: Bool { leader.load(ordering: .acquiring) == UInt(pthread_self()) }

  /// Reads and serves requests until the lead has passed to another thread or the session ends.
  private func lead() {
    leader.store(UInt(pthread_self()), ordering: .releasing)
    do {
      while isLeading {
        try serveWhatIsThere()
        if isLeading { polling.sleep { waitForRequest() } }
      }
    } catch {
      endLead(SessionEnd(error))
    }
  }

  /// Serves requests until none comes for a moment, or the lead is gone.
  private func serveWhatIsThere() throws(Errno) {
    var current = Buffer.take()
    defer { current.giveBack() }
    while isLeading {
      guard let count = try receive(into: current.memory) else { return }
      buffer = current
      serve(UnsafeMutableRawBufferPointer(rebasing: current.memory[..<count]))
      if isLeading, buffer == nil { current = Buffer.take() }
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

  private func waitForRequest() {
    var descriptor = pollfd(fd: channel, events: Int16(POLLIN), revents: 0)
    _ = poll(&descriptor, 1, -1)
  }

  /// Lets libfuse take a request apart and call back.
  private func serve(_ request: UnsafeMutableRawBufferPointer) {
    guard request.count >= MemoryLayout<fuse_in_header>.size else {
      return Log.write("the FUSE device gave a request of \(request.count) bytes")
    }
    let header = request.baseAddress!.assumingMemoryBound(to: fuse_in_header.self)
    let bytes = UnsafeRawBufferPointer(request)
    if header.pointee.opcode == FUSE_INIT.rawValue { negotiation.note(header.pointee, bytes) }
    incoming = Incoming(&header.pointee, bytes)
    if incoming.isTransfer { beginTransfer(isWriteBack: incoming.flags & UInt32(FUSE_WRITE_CACHE) != 0) }
    var message = fuse_buf()
    message.size = request.count
    message.mem = request.baseAddress
    fuse_session_process_buf(handle, &message)
    if isLeading { isTransferring.store(false, ordering: .releasing) }
  }
}

extension Session {
  /// Runs `body` where it may block (see `Request.detached`).
  func detach(isOrdered: Bool, _ body: @escaping () -> Void) {
    guard isLeading else { return body() }
    let ticket = isOrdered ? order.begin() : nil
    activities.add(1, ordering: .releasing)
    nonisolated(unsafe) let body = body
    let work: Crew.Job = {
      body()
      if let ticket { self.order.end(ticket) }
      self.finishActivity()
    }
    leader.store(0, ordering: .releasing)
    isTransferring.store(false, ordering: .releasing)
    if crew.run({ self.lead() }) { return work() }
    leader.store(UInt(pthread_self()), ordering: .releasing)
    postpone(work)
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
    crew.adjustLimit(by: -1)
    finishActivity()
  }

  private func finishActivity() {
    if activities.subtract(1, ordering: .acquiringAndReleasing).newValue == 0 { hasEnded() }
  }
}

/// What a `WriteBackBarrier` wants to know.
extension Session {
  fileprivate func beginTransfer(isWriteBack: Bool) {
    isTransferring.store(true, ordering: .releasing)
    transfers.add(1, ordering: .relaxed)
    if isWriteBack { writeBacks.add(1, ordering: .relaxed) }
  }

  /// How many requests are being served that may be transfers, at most. A detached one counts as detached before it ceases
  /// to count as the leader's, so it is seen once at least.
  var transfersUnderWay: Int {
    let isLeaderTransferring = isTransferring.load(ordering: .acquiring)
    return activities.load(ordering: .acquiring) - 1 + (isLeaderTransferring ? 1 : 0)
  }
}
