import Control
import FoundationEssentials
import Hummingbird
import NIOCore
import Synchronization

/// An operation whose client is told how far it has come, a line of JSON at a time.
final class LongOperation<Answer: Codable & Sendable>: Sendable {
  private let workers: Workers
  private let activity: Activity
  private let operation: @Sendable (ProgressHandler) throws(Failure) -> Answer
  private let isCanceled = Atomic(false)
  /// The clock in nanoseconds at the last report that was passed on.
  private let lastReport = Atomic<UInt64>(0)

  init(
    workers: Workers, activity: Activity,
    _ operation: @escaping @Sendable (ProgressHandler) throws(Failure) -> Answer
  ) {
    self.workers = workers
    self.activity = activity
    self.operation = operation
  }

  /// The body of the response: runs the operation while it is written, and cancels it when the client goes away.
  func responseBody(for request: Request) -> ResponseBody {
    ResponseBody { writer in
      let lines = try self.start()
      try await request.body.consumeWithInboundCloseHandler { _ in
        for await line in lines {
          do {
            try await writer.write(ByteBuffer(bytes: try JSON.encode(line) + [UInt8(ascii: "\n")]))
          } catch {
            self.cancel()
          }
        }
      } onInboundClosed: {
        self.cancel()
      }
      try await writer.finish(nil)
    }
  }

  private func cancel() { isCanceled.store(true, ordering: .relaxed) }

  private func start() throws(Failure) -> AsyncStream<StreamLine<Answer>> {
    let (lines, continuation) = AsyncStream<StreamLine<Answer>>.makeStream()
    try activity.begin()
    Task {
      do {
        let result = try await workers.run { () throws(Failure) in
          try self.operation { progress in
            if self.isTimeToReport() { continuation.yield(.progress(progress)) }
            return !self.isCanceled.load(ordering: .relaxed) && !self.activity.isEnding
          }
        }
        continuation.yield(.result(result))
      } catch {
        continuation.yield(.error(Failure(describing: error)))
      }
      activity.end()
      continuation.finish()
    }
    return lines
  }

  /// Passes on ten reports a second at most.
  private func isTimeToReport() -> Bool {
    let now = ContinuousClock.now.nanoseconds
    let last = lastReport.load(ordering: .relaxed)
    guard now &- last >= 100_000_000 else { return false }
    return lastReport.compareExchange(expected: last, desired: now, ordering: .relaxed).exchanged
  }
}

extension ContinuousClock.Instant {
  private static let origin = ContinuousClock.now

  /// Nanoseconds since this process first asked, and a second more, so that the first report is always due.
  fileprivate var nanoseconds: UInt64 {
    let (seconds, attoseconds) = Self.origin.duration(to: self).components
    return UInt64(seconds + 1) * 1_000_000_000 + UInt64(attoseconds / 1_000_000_000)
  }
}
