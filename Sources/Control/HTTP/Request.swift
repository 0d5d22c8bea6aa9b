import FoundationEssentials

/// A request of HTTP/1.1 as this client sends it: one a connection.
struct Request {
  enum Method: String { case get = "GET", post = "POST", delete = "DELETE" }

  let method: Method
  /// What follows `/v1/`, piece by piece.
  let path: [String]
  var query: [(name: String, value: String)] = []
  var body: Data?

  /// The bytes that go over the wire.
  var encoded: [UInt8] {
    var target = "/v1/" + path.map(percentEncoded).joined(separator: "/")
    if !query.isEmpty {
      target += "?" + query.map { "\(percentEncoded($0.name))=\(percentEncoded($0.value))" }.joined(separator: "&")
    }
    var head = "\(method.rawValue) \(target) HTTP/1.1\r\nhost: tine\r\naccept: application/json\r\n"
    if let body { head += "content-type: application/json\r\ncontent-length: \(body.count)\r\n" }
    return Array((head + "\r\n").utf8) + [UInt8](body ?? Data())
  }
}
