import Control
import FoundationEssentials
import Glibc
import Hummingbird
import Logging
import NIOCore

/// The paths of the API, version 1 (docs/cli.md describes them).
enum API {
  static func router(
    engine: some MountingEngine, workers: Workers, activity: Activity, log: Logger
  ) -> Router<BasicRequestContext> {
    let router = Router()
    router.add(middleware: ErrorResponses(log: log))
    let api = Endpoints(router.group("v1"), workers: workers, activity: activity)
    addHeads(to: api, engine)
    addHistory(to: api, engine)
    addMounts(to: api, engine)
    addUpkeep(to: api, engine)
    addShutdown(to: router, engine, workers, activity)
    return router
  }

  private static func addHeads(to api: Endpoints, _ engine: some MountingEngine) {
    api.get("heads") { (_) throws(Failure) in try engine.heads() }
    api.get("heads/:reference") { (given) throws(Failure) in try engine.head(given.path("reference")) }
    api.delete("heads/:reference") { (given) throws(Failure) in
      try engine.drop(given.path("reference"))
      return Done()
    }
    api.post("forks") { (request: ForkRequest) throws(Failure) in try engine.fork(request) }
    api.post("snapshots") { (request: SnapshotRequest) throws(Failure) in try engine.snapshot(request) }
  }

  private static func addHistory(to api: Endpoints, _ engine: some MountingEngine) {
    api.list("diff") { (given, isWanted, add: (Change) throws(Failure) -> Bool) throws(Failure) in
      let patch = try given.query("patch", as: Bool.self) ?? false
      let common = try given.query("common", as: Bool.self) ?? false
      let old = try given.query("old", as: String.self)
      let request = DiffRequest(old: old, new: try given.query("new"), common: common, patch: patch)
      try engine.diff(request, while: isWanted, add)
    }
    api.long("log") { (given, isWanted) throws(Failure) in
      let since = try given.query("since", as: UInt64.self)
      let limit = try given.query("limit", as: Int.self)
      let verify = try given.query("verify", as: Bool.self) ?? false
      return try engine.log(
        LogRequest(reference: given.query("reference"), since: since, limit: limit, verify: verify), while: isWanted)
    }
  }

  private static func addMounts(to api: Endpoints, _ engine: some MountingEngine) {
    api.get("mounts") { (_) throws(Failure) in try engine.mounts() }
    api.post("mounts") { (request: MountRequest) throws(Failure) in try engine.mount(request) }
    api.post("unmount") { (request: UnmountRequest) throws(Failure) in
      try engine.unmount(request)
      return Done()
    }
  }

  private static func addUpkeep(to api: Endpoints, _ engine: some MountingEngine) {
    api.get("version") { (_) throws(Failure) in try engine.version() }
    api.post("upgrade") { (request: UpgradeRequest) throws(Failure) in
      try engine.upgrade(request)
      return Done()
    }
    api.stream("import") { (request: ImportRequest, progress) throws(Failure) in
      try engine.importDirectory(request, progress: progress)
    }
    api.stream("export") { (request: ExportRequest, progress) throws(Failure) in
      try engine.exportDirectory(request, progress: progress)
    }
    api.stream("gc") { (_: Done, progress) throws(Failure) in try engine.collectGarbage(progress: progress) }
    api.stream("check") { (_: Done, progress) throws(Failure) in try engine.check(progress: progress) }
  }

  /// Ends the daemon. The store is free when the answer is sent; the process ends when the client has read it, also where the
  /// store could not be closed in order.
  private static func addShutdown(
    to router: Router<BasicRequestContext>, _ engine: some MountingEngine, _ workers: Workers, _ activity: Activity
  ) {
    router.post("v1/shutdown") { request, _ in
      var request = request
      let message = try await request.collectBody(upTo: 1024)
      let wish = try JSON.decode(ShutdownRequest.self, from: Data(message.readableBytesView))
      let failure = await shutDown(wish, engine, workers)
      // Refused, it serves as before.
      if let failure, !activity.isEnding { throw failure }
      let status = failure.map { HTTPResponse.Status(code: $0.kind.status) } ?? .ok
      let answer = ByteBuffer(bytes: try failure.map { try JSON.encode(ErrorBody($0)) } ?? JSON.encode(Done()))
      let code = failure == nil ? EXIT_SUCCESS : EXIT_FAILURE
      let body = ResponseBody(contentLength: answer.readableBytes) { [request] writer in
        Task {
          try await Task.sleep(for: .seconds(5))
          exit(code)
        }
        let (closing, source) = AsyncStream<Never>.makeStream()
        try await request.body.consumeWithInboundCloseHandler { _ in
          try await writer.write(answer)
          try await writer.finish(nil)
          for await _ in closing {}
        } onInboundClosed: {
          source.finish()
        }
        exit(code)
      }
      return Response(status: status, headers: [.contentType: "application/json"], body: body)
    }
  }

  private static func shutDown(
    _ request: ShutdownRequest, _ engine: some MountingEngine, _ workers: Workers
  ) async -> Failure? {
    do throws(Failure) {
      try await workers.run(.ending) { () throws(Failure) in try engine.shutDown(request) }
      return nil
    } catch {
      return error
    }
  }
}
