/// One line of the answer to a long operation: progress as often as there is some, and at last the result or the error.
public struct StreamLine<Answer: Codable & Sendable>: Codable, Sendable {
  public let progress: Progress?
  public let result: Answer?
  public let error: Failure?

  public static func progress(_ progress: Progress) -> Self { Self(progress: progress, result: nil, error: nil) }
  public static func result(_ result: Answer) -> Self { Self(progress: nil, result: result, error: nil) }
  public static func error(_ error: Failure) -> Self { Self(progress: nil, result: nil, error: error) }
}

/// The body of a response that is not a success.
public struct ErrorBody: Codable, Sendable {
  public let error: Failure

  public init(_ error: Failure) { self.error = error }
}
