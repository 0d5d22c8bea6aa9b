import Control
import Hummingbird

/// What the path and the query of a request say.
struct Parameters {
  private let path: [Substring: Substring]
  private let query: [String: String]

  init(_ request: Request, _ context: some RequestContext) throws(Failure) {
    path = Dictionary(context.parameters.map { ($0.key, $0.value) }, uniquingKeysWith: { first, _ in first })
    var query: [String: String] = [:]
    for item in (request.uri.query ?? "").split(separator: "&") {
      let parts = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let value = parts.count == 2 ? parts[1] : ""
      query[try Self.decoded(parts[0])] = try Self.decoded(value)
    }
    self.query = query
  }

  /// A piece of the path, such as the `reference` of `/v1/heads/{reference}`.
  func path(_ name: Substring) throws(Failure) -> String {
    guard let value = path[name] else { throw Failure(.badRequest, "the path has no \(name)") }
    return try Self.decoded(value)
  }

  func query(_ name: String) throws(Failure) -> String {
    guard let value = query[name] else { throw Failure(.badRequest, "the query parameter \"\(name)\" is missing") }
    return value
  }

  /// A query parameter that may be missing.
  func query<Value: LosslessStringConvertible>(_ name: String, as type: Value.Type) throws(Failure) -> Value? {
    guard let text = query[name] else { return nil }
    guard let value = Value(text) else { throw Failure(.badRequest, "\"\(name)\" cannot be \"\(text)\"") }
    return value
  }

  private static func decoded(_ text: Substring) throws(Failure) -> String {
    guard let decoded = percentDecoded(text) else { throw Failure(.badRequest, "\"\(text)\" is badly encoded") }
    return decoded
  }
}
