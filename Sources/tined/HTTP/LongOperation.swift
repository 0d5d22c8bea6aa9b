import Control
import FoundationEssentials
import Hummingbird
import NIOCore
import Synchronization

/// An operation whose client is told how far it has come, a line of JSON at a time.
final class LongOperation<Answer: Codable & Sendable>: Sendable {
  private let workers: Workers
  private let activity: Activity
  private let operation: @Sendable (@escaping ProgressHandler) throws(Failure) -> Answer
  private let isCanceled = Atomic(false)
  /// When a report was passed on last.
  private let lastReport = Mutex<ContinuousClock.Instant?>(nil)

  init(
    workers: Workers, activity: Activity,
    _ operation: @escaping @Sendable (@escaping ProgressHandler) throws(Failure) -> Answer
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

  /// A client that does not read misses reports, and never the result, which comes last.
  private func start() throws(Failure) -> AsyncStream<StreamLine<Answer>> {
    let (lines, continuation) = AsyncStream<StreamLine<Answer>>.makeStream(bufferingPolicy: .bufferingNewest(16))
    try activity.begin()
    Task {
      do {
        let result = try await workers.run(.long) { () throws(Failure) in
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
    lastReport.withLock { last in
      let now = ContinuousClock.now
      if let last, last.duration(to: now) < .milliseconds(100) { return false }
      last = now
      return true
    }
  }
}
