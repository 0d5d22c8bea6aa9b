import FUSE
import SystemIO

/// Answers fsync requests in groups: while one flush is under way, those that come wait for the next one together.
///
/// One thread flushes for all of them, so a hundred writers that sync cost a hundred flushes neither of the disk nor of
/// threads. A request is answered only by a flush that began after it came.
final class FlushQueue: Sendable {
  private let flush: @Sendable () throws(Errno) -> Void
  private let line = WaitingLine<ParkedRequest<Done>>()

  init(_ flush: @escaping @Sendable () throws(Errno) -> Void) {
    self.flush = flush
  }

  func add(_ request: consuming Request<Done>) {
    let parked = request.park()
    if line.add(parked) { parked.detached(isOrdered: false) { self.flushAll() } }
  }

  /// Flushes until nobody waits.
  private func flushAll() {
    while let group = line.next() {
      do {
        try flush()
        for parked in group { parked.take()?.reply(Done()) }
      } catch {
        for parked in group { parked.take()?.fail(error) }
      }
    }
  }
}
