import FoundationEssentials
import Glibc
import Synchronization
import SystemIO

/// Sends requests to the daemon of one store, each on a connection of its own.
final class Client: Sendable {
  private let store: String
  private let watch: SilenceWatch
  /// The connection that showed that there is a daemon; the first request takes it.
  private let first: Mutex<Connection?>

  /// The longest that what takes no time may take, such as a fork whose source has much to write back.
  static let shortWork = Duration.seconds(600)

  /// A client for the daemon of a store; nil where none runs.
  init?(store: String, interruption: Int32?, onSilence: SilenceHandler?) throws(Failure) {
    self.store = store
    watch = SilenceWatch(store: store, interruption: interruption, onSilence: onSilence)
    guard let connection = try Connection(toDaemonOf: store, watch) else { return nil }
    first = Mutex(connection)
  }

  /// Sends a request and reads its answer.
  ///
  /// - Parameter limit: how long that may take; nil for as long as it takes.
  @discardableResult
  func call<Answer: Decodable>(
    _ request: Request, as answer: Answer.Type = Answer.self, within limit: Duration? = Client.shortWork
  ) throws(Failure) -> Answer {
    let connection = try connection()
    if let limit { connection.limitSilence(to: limit) }
    try connection.write(request.encoded)
    var response = try Response(reading: connection)
    let body = Data(try response.rest())
    guard response.status == 200 else { throw Self.failure(status: response.status, body) }
    return try Self.decode(answer, from: body)
  }

  /// Whether a daemon answers a request at all; what it answers is not read.
  func isAnswered(_ request: Request) throws(Failure) -> Bool {
    do throws(Failure) {
      let connection = try connection()
      try connection.write(request.encoded)
      return try Response(reading: connection).status == 200
    } catch {
      if error.kind == .unreachable { return false }
      throw error
    }
  }

  /// Opens a session with the daemon.
  func session() throws(Failure) -> ClientSession { try ClientSession(store: store, watch) }

  /// Sends a request for a long operation and hears of its progress until the answer comes.
  @discardableResult
  func follow<Answer: Codable & Sendable>(
    _ request: Request, as answer: Answer.Type = Answer.self, progress: ProgressHandler
  ) throws(Failure) -> Answer {
    let connection = try connection()
    try connection.write(request.encoded)
    var response = try Response(reading: connection)
    guard response.status == 200 else {
      throw Self.failure(status: response.status, Data(try response.rest()))
    }
    var lines = LineReader(response)
    var isCanceled = false
    while let line = try lines.next() {
      let line = try Self.decode(StreamLine<Answer>.self, from: Data(line))
      if let error = line.error { throw error }
      if let result = line.result { return result }
      if let report = line.progress, !isCanceled, !progress(report) {
        isCanceled = true
        connection.cancel()
      }
    }
    throw isCanceled ? .canceled : .truncated
  }

  /// Sends a request that is answered by an array, and gives its elements to `body` as they come, until it returns false.
  func list<Element: Decodable>(
    _ request: Request, _ body: (Element) throws(Failure) -> Bool
  ) throws(Failure) {
    let connection = try connection()
    try connection.write(request.encoded)
    var response = try Response(reading: connection)
    guard response.status == 200 else {
      throw Self.failure(status: response.status, Data(try response.rest()))
    }
    var elements = ElementReader(response)
    while let element = try elements.next() {
      let listed = try Self.decode(ListElement<Element>.self, from: Data(element))
      switch listed {
      case .element(let element): guard try body(element) else { return }
      case .error(let failure): throw failure
      }
    }
  }

  private func connection() throws(Failure) -> Connection {
    if let connection = first.withLock({ $0.take() }) { return connection }
    guard let connection = try Connection(toDaemonOf: store, watch) else {
      throw Failure(.unreachable, "the daemon of this store has ended")
    }
    return connection
  }

  private static func failure(status: Int, _ body: Data) -> Failure {
    do throws(Failure) {
      return try JSON.decode(ErrorBody.self, from: body).error
    } catch {
      return .malformed("status \(status)")
    }
  }

  private static func decode<Value: Decodable>(_ type: Value.Type, from body: Data) throws(Failure) -> Value {
    do throws(Failure) {
      return try JSON.decode(type, from: body)
    } catch {
      throw .malformed(error.message)
    }
  }
}
