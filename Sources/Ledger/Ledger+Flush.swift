import Synchronization
public import SystemIO

extension Ledger {
  /// All records up to this LSN are durable.
  public var durableLSN: UInt64 { flusher.withLock { $0.durableLSN } }

  /// Waits until every record up to `lsn` is durable. One flush serves all who wait for it (group commit).
  ///
  /// - Throws: `stopped` when a flush failed, now or before: the kernel may have dropped what it could not write, so a second try
  ///   would lie. Only opening the store anew tells what is there.
  public func flush(through lsn: UInt64) throws(LedgerError) {
    while true {
      let turn = flusher.wait { flusher -> Turn? in
        if flusher.durableLSN >= lsn { return .done }
        if let failure = flusher.failure { return .failed(failure) }
        if flusher.isFlushing { return nil }
        flusher.isFlushing = true
        return .lead
      }
      switch turn {
      case .done: return
      case .failed(let failure): throw .stopped(failure)
      case .lead: try lead()
      }
    }
  }

  private enum Turn {
    case done
    case failed(Errno)
    case lead
  }

  /// Flushes everything appended so far, for all who wait; then seals the segments that are full.
  private func lead() throws(LedgerError) {
    defer { flusher.notifyAll { $0.isFlushing = false } }
    let (target, unflushed) = appender.withLock { ($0.position.nextLSN - 1, $0.unflushed) }
    do throws(LedgerError) {
      let flushed = options.sabotage == .flushesNewestSegmentOnly ? unflushed.suffix(1) : unflushed[...]
      for entry in flushed { try onDisk { () throws(Errno) in try entry.segment.file.synchronize() } }
      if unflushed.contains(where: { !$0.segment.isNameDurable }) {
        try segments.synchronizeNames()
        for entry in unflushed { entry.segment.markNameDurable() }
      }
      flusher.notifyAll { $0.durableLSN = max($0.durableLSN, target) }
      for entry in flushed { try seal(entry) }
      writeAhead()
    } catch {
      let failure = if case .storage(let errno) = error { errno } else { Errno.inputOutput }
      stop(failure)
      throw .stopped(failure)
    }
  }

  /// Seals a segment that was flushed and takes no more records, durably. On a full disk it stays open until a later flush finds room: its slots
  /// are in memory, and recovery finds them in its records.
  private func seal(_ entry: UnflushedSegment) throws(LedgerError) {
    guard let end = entry.end else { return }
    do throws(LedgerError) {
      try entry.segment.seal(contentEnd: end.offset, lastLSN: end.nextLSN - 1, lastChecksum: end.previousChecksum)
    } catch .storage(.noSpace) {
      return
    } catch {
      throw error
    }
    appender.withLock { $0.unflushed.removeAll { $0.segment === entry.segment } }
  }

  /// Ends the current segment: the next record begins a new one. The position then is the start of that one.
  public func beginNewSegment() {
    appender.withLock { appender in
      guard appender.position.offset > LedgerPosition.start.offset else { return }
      // The segment in which recovery found the end is sealed already.
      if appender.segment != nil, let last = appender.unflushed.indices.last {
        appender.unflushed[last].end = appender.position
      }
      appender.segment = nil
      appender.position.segment = appender.nextSegment
      appender.position.offset = UInt64(SegmentHeader.size)
    }
  }

  /// Flushes everything that was appended, and seals every segment before `end`: then recovery need not read them.
  ///
  /// - Throws: `storage(.noSpace)` where the disk has no room for a slot directory. Nothing is lost by that.
  public func flushAndSeal(before end: UInt32) throws(LedgerError) {
    // A record may be durable without its segment being sealed, so this flush is led in any case.
    let failure = flusher.wait { flusher -> Errno?? in
      if let failure = flusher.failure { return .some(failure) }
      if flusher.isFlushing { return nil }
      flusher.isFlushing = true
      return .some(nil)
    }
    if let failure { throw .stopped(failure) }
    try lead()
    let isSealed = appender.withLock { appender in appender.unflushed.allSatisfy { $0.segment.number >= end } }
    if !isSealed { throw .storage(.noSpace) }
  }
}

extension Ledger {
  /// Takes no more records: from here on another process may own the store.
  public func close() { appender.withLock { $0.failure = $0.failure ?? .notConnected } }

  /// Stops the ledger: nothing is acknowledged any more until the store is opened anew.
  public func stop(_ reason: Errno) {
    appender.withLock { $0.failure = $0.failure ?? reason }
    let isFirst = flusher.notifyAll { flusher in
      defer { flusher.failure = flusher.failure ?? reason }
      return flusher.failure == nil
    }
    if isFirst { options.onStop?(reason) }
  }
}
