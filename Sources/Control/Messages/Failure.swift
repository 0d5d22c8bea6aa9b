/// Why a request was not carried out: the one error of the API, the same whether a daemon answered or this process did.
public struct Failure: Error, Codable, Hashable, Sendable {
  /// What went wrong, as programs tell failures apart. The spelling is part of the API.
  public enum Kind: String, Codable, CaseIterable, Sendable {
    case badRequest = "bad-request"
    case invalidName = "invalid-name"
    case noSuchName = "no-such-name"
    case nameTaken = "name-taken"
    case conflict
    case notAStore = "not-a-store"
    case storeExists = "store-exists"
    case storeInUse = "store-in-use"
    case newerFormat = "newer-format"
    case damaged
    case noSpace = "no-space"
    case notSupported = "not-supported"
    case unreachable
    case busy
    /// The daemon runs and answers nobody.
    case silent
    case canceled
    case failed
  }

  public let kind: Kind
  /// One line that says what failed, without a capital letter or a full stop.
  public let message: String
  /// One line that says what to do about it.
  public let hint: String?

  public init(_ kind: Kind, _ message: String, hint: String? = nil) {
    self.kind = kind
    self.message = message
    self.hint = hint
  }

  public static let canceled = Failure(.canceled, "canceled")
}

extension Failure.Kind {
  /// The HTTP status that carries it.
  public var status: Int {
    switch self {
    case .badRequest, .invalidName: 400
    case .noSuchName, .notAStore: 404
    case .nameTaken, .conflict, .storeExists, .storeInUse: 409
    case .canceled: 499
    case .notSupported, .newerFormat: 501
    case .busy: 503
    case .noSpace: 507
    case .damaged, .unreachable, .silent, .failed: 500
    }
  }
}

extension Failure.Kind {
  /// Kinds that a newer daemon may add are failures without a name of their own here.
  public init(from decoder: any Decoder) throws {
    self = Self(rawValue: try decoder.singleValueContainer().decode(String.self)) ?? .failed
  }
}
