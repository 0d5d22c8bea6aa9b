import Control
import FoundationEssentials
import Hummingbird
import NIOCore
import Synchronization

/// Turns functions of the engine into endpoints: arguments from path, query or JSON body, the answer as JSON, and each
/// call on a thread that may block.
struct Endpoints {
  private let group: RouterGroup<BasicRequestContext>
  private let calls: Calls

  init(_ group: RouterGroup<BasicRequestContext>, workers: Workers, activity: Activity) {
    self.group = group
    calls = Calls(workers: workers, activity: activity)
  }

  func get<Answer: Codable & Sendable>(
    _ path: RouterPath, as kind: Workers.Kind = .query,
    _ body: @escaping @Sendable (Parameters) throws(Failure) -> Answer
  ) {
    group.get(path) { [calls] request, context in
      let parameters = try Parameters(request, context)
      return try await calls.answer(as: kind) { () throws(Failure) in try body(parameters) }
    }
  }

  /// Something that takes as long as there is data, and asks now and then whether the client is still there and the daemon goes on.
  func long<Answer: Codable & Sendable>(
    _ path: RouterPath,
    _ body: @escaping @Sendable (Parameters, _ isWanted: @escaping @Sendable () -> Bool) throws(Failure) -> Answer
  ) {
    group.get(path) { [calls] request, context in
      let parameters = try Parameters(request, context)
      let client = ClientPresence()
      return try await request.body.consumeWithInboundCloseHandler { _ in
        try await calls.answer(as: .long) { () throws(Failure) in
          try body(parameters) { client.isThere && !calls.activity.isEnding }
        }
      } onInboundClosed: {
        client.leave()
      }
    }
  }

  /// An answer that is an array, written while its elements are found.
  func list<Element: Codable & Sendable>(
    _ path: RouterPath,
    _ body:
      @escaping @Sendable (Parameters, _ isWanted: () -> Bool, (Element) throws(Failure) -> Bool) throws(Failure) ->
      Void
  ) {
    group.get(path) { [calls] request, context in
      let parameters = try Parameters(request, context)
      let operation = ListOperation<Element>(workers: calls.workers, activity: calls.activity) {
        (isWanted, add) throws(Failure) in try body(parameters, isWanted, add)
      }
      return try await operation.response(to: request)
    }
  }

  func delete<Answer: Codable & Sendable>(
    _ path: RouterPath, _ body: @escaping @Sendable (Parameters) throws(Failure) -> Answer
  ) {
    group.delete(path) { [calls] request, context in
      let parameters = try Parameters(request, context)
      return try await calls.answer(as: .change) { () throws(Failure) in try body(parameters) }
    }
  }

  func post<Message: Decodable & Sendable, Answer: Codable & Sendable>(
    _ path: RouterPath, _ body: @escaping @Sendable (Message) throws(Failure) -> Answer
  ) {
    group.post(path) { [calls] request, _ in
      let message = try await calls.message(Message.self, of: request)
      return try await calls.answer(as: .change) { () throws(Failure) in try body(message) }
    }
  }

  /// A long operation: its answer is a stream of `StreamLine`s, and it is canceled when the client goes.
  func stream<Message: Decodable & Sendable, Answer: Codable & Sendable>(
    _ path: RouterPath, _ operate: @escaping @Sendable (Message, @escaping ProgressHandler) throws(Failure) -> Answer
  ) {
    group.post(path) { [calls] request, _ in
      var request = request
      let body = try await request.collectBody(upTo: Calls.limit)
      let message = try JSON.decode(Message.self, from: Data(buffer: body))
      let operation = LongOperation(workers: calls.workers, activity: calls.activity) { (progress) throws(Failure) in
        try operate(message, progress)
      }
      return Response(
        status: .ok, headers: [.contentType: "application/x-ndjson"], body: operation.responseBody(for: request))
    }
  }
}

/// Whether the client that has asked for something still waits for it.
private final class ClientPresence: Sendable {
  private let hasLeft = Atomic(false)

  var isThere: Bool { !hasLeft.load(ordering: .relaxed) }

  func leave() { hasLeft.store(true, ordering: .relaxed) }
}

/// Reads messages, and runs what they ask for.
private struct Calls: Sendable {
  let workers: Workers
  let activity: Activity

  func message<Message: Decodable>(_ type: Message.Type, of request: Request) async throws -> Message {
    try JSON.decode(type, from: Data(buffer: try await request.body.collect(upTo: Self.limit)))
  }

  /// The answer is written by the thread that blocks, too: it may be long.
  func answer<Answer: Codable & Sendable>(
    as kind: Workers.Kind, _ body: @escaping @Sendable () throws(Failure) -> Answer
  ) async throws -> Response {
    try activity.begin()
    defer { activity.end() }
    return try await workers.run(kind) { () throws(Failure) in
      let answer = try body()
      do { return try Response.json(answer) } catch { throw Failure(describing: error) }
    }
  }

  /// The longest message that is read.
  static let limit = 1 << 20
}

extension Response {
  static func json(_ value: some Encodable, status: HTTPResponse.Status = .ok) throws -> Response {
    let body = ByteBuffer(bytes: try JSON.encode(value) + [UInt8(ascii: "\n")])
    return Response(
      status: status, headers: [.contentType: "application/json"], body: ResponseBody(byteBuffer: body))
  }
}

extension Data {
  fileprivate init(buffer: ByteBuffer) { self.init(buffer.readableBytesView) }
}
