/// What a client sends on its session, a connection to the socket `session` that keeps messages whole (SOCK_SEQPACKET). Exactly one
/// field is set.
///
/// A session passes what a path cannot say: descriptors, of which requests then give the number. And it holds leases: what is made
/// for it ends with it, also if the client is killed.
public struct SessionRequest: Codable, Sendable {
  /// The descriptor that comes along with this message is to have this number.
  public let descriptor: Int?
  /// The fork or snapshot of this name, made for this session, is to stay after it.
  public let keep: String?

  public static func descriptor(_ number: Int) -> Self { Self(descriptor: number, keep: nil) }
  public static func keep(_ name: String) -> Self { Self(descriptor: nil, keep: name) }
}

/// What the daemon answers: to the connection itself with the token, to each request with neither field or with the error.
public struct SessionAnswer: Codable, Sendable {
  /// By which requests of the API name the session. Nobody can guess it.
  public let token: String?
  public let error: Failure?

  public init(token: String? = nil, error: Failure? = nil) {
    self.token = token
    self.error = error
  }
}

/// A descriptor that a client has passed on its session, for the one request that names it.
public struct PassedDescriptor: Codable, Hashable, Sendable {
  public let session: String
  public let number: Int

  public init(session: String, number: Int) {
    self.session = session
    self.number = number
  }
}
