import Control
import Hummingbird
import Logging
import NIOCore

/// Answers every error with JSON: those of Tine with their kind, those of the server as bad requests.
struct ErrorResponses: RouterMiddleware {
  let log: Logger

  func handle(
    _ request: Request, context: BasicRequestContext,
    next: (Request, BasicRequestContext) async throws -> Response
  ) async throws -> Response {
    do {
      return try await next(request, context)
    } catch {
      let failure = Failure(describing: error)
      let status = (error as? HTTPError)?.status ?? HTTPResponse.Status(code: failure.kind.status)
      log.info(
        "\(request.method) \(request.uri) failed: \(failure.message)", metadata: ["kind": "\(failure.kind.rawValue)"])
      return try Response.json(ErrorBody(failure), status: status)
    }
  }
}

extension Failure {
  /// What the API says of an error that may not be its own.
  init(describing error: any Error) {
    switch error {
    case let failure as Failure: self = failure
    case let error as HTTPError:
      self.init(.badRequest, error.body ?? (error.status == .notFound ? "no such path" : error.status.reasonPhrase))
    case is NIOTooManyBytesError: self.init(.badRequest, "the message is longer than a mebibyte")
    default: self.init(.failed, "\(error)")
    }
  }
}
