import Control
import FoundationEssentials
import Hummingbird
import NIOCore
import SystemIO

/// A request that is answered by an array of JSON, written while its elements are found.
///
/// What waits to be sent is bounded, and the work stops where the client is gone. Where it fails before it has found
/// anything, the answer is an error as any other; later, the error is the last element.
final class ListOperation<Element: Codable & Sendable>: Sendable {
  typealias Work =
    @Sendable (_ isWanted: () -> Bool, _ add: (Element) throws(Failure) -> Bool) throws(Failure) -> Void

  private struct State {
    var waiting = 0
    var isCanceled = false
  }

  private let workers: Workers
  private let activity: Activity
  private let work: Work
  private let state = Monitor(State())

  /// An answer is sent in pieces of about this many bytes.
  private static var pieceSize: Int { 64 << 10 }
  private static var mostWaiting: Int { 256 }
  /// How long a client may leave what waits unread, in milliseconds; a person may be paging through it.
  private static var patience: Int { 600_000 }

  init(workers: Workers, activity: Activity, _ work: @escaping Work) {
    self.workers = workers
    self.activity = activity
    self.work = work
  }

  /// Starts the work, and answers when it has found something, or nothing.
  func response(to request: Request) async throws -> Response {
    try activity.begin()
    let (pieces, continuation) = AsyncThrowingStream<ByteBuffer, any Error>.makeStream()
    // Also where the answer is given up before anybody reads it.
    continuation.onTermination = { _ in self.cancel() }
    Task {
      do {
        try await workers.run(.long) { () throws(Failure) in try self.run { continuation.yield($0) } }
        continuation.finish()
      } catch {
        continuation.finish(throwing: error)
      }
      activity.end()
    }
    var first: ByteBuffer?
    for try await piece in pieces {
      first = piece
      break
    }
    let body = ResponseBody { [first] writer in
      try await request.body.consumeWithInboundCloseHandler { _ in
        do {
          if let first { try await self.write(first, to: &writer) }
          for try await piece in pieces { try await self.write(piece, to: &writer) }
        } catch {
          self.cancel()
          throw error
        }
      } onInboundClosed: {
        self.cancel()
      }
      try await writer.finish(nil)
    }
    return Response(status: .ok, headers: [.contentType: "application/json"], body: body)
  }

  private func write(_ piece: ByteBuffer, to writer: inout any ResponseBodyWriter) async throws {
    try await writer.write(piece)
    state.notifyAll { $0.waiting -= 1 }
  }

  private var isCanceled: Bool { state.withLock { $0.isCanceled } }

  private func cancel() { state.notifyAll { $0.isCanceled = true } }

  /// Does the work, on a thread that may wait until the client has read.
  private func run(_ yield: (ByteBuffer) -> Void) throws(Failure) {
    var piece = ByteBuffer(string: "[")
    var isFirst = true
    var isGone = false
    do throws(Failure) {
      try work({ !self.isCanceled && !self.activity.isEnding }) { (element) throws(Failure) in
        try self.add(.element(element), isFirst: isFirst, to: &piece)
        isFirst = false
        if piece.readableBytes >= Self.pieceSize { isGone = !self.send(&piece, yield) }
        return !isGone && !self.activity.isEnding
      }
    } catch {
      if isFirst { throw error }
      try add(.error(error), isFirst: false, to: &piece)
    }
    piece.writeString("]\n")
    _ = send(&piece, yield)
  }

  private func add(_ element: ListElement<Element>, isFirst: Bool, to piece: inout ByteBuffer) throws(Failure) {
    do {
      let text = try JSON.encode(element)
      if !isFirst { piece.writeString(",") }
      piece.writeBytes(text)
    } catch {
      throw Failure(.failed, "cannot write the answer: \(error)")
    }
  }

  /// Hands a piece on as soon as few enough wait. Returns false where nobody reads any more.
  private func send(_ piece: inout ByteBuffer, _ yield: (ByteBuffer) -> Void) -> Bool {
    let isWanted = state.wait(atMost: Self.patience) { state -> Bool? in
      if state.isCanceled { return false }
      return state.waiting < Self.mostWaiting ? true : nil
    }
    guard isWanted == true else { return false }
    state.withLock { $0.waiting += 1 }
    yield(piece)
    piece = ByteBuffer()
    return true
  }
}
