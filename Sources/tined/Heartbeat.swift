import NIOCore

/// Tells the supervisor now and then that this worker answers: that a thread of the server and one that looks things up are free.
///
/// A worker that is stopped, or whose threads hang, stays silent. The supervisor then says so in the log, and does nothing else: a process may be stopped
/// for a while, or looked at by a debugger, and whoever uses a mount may still be served.
struct Heartbeat: Sendable {
  let server: any Channel
  let workers: Workers
  let supervisor: SupervisorLink

  /// Between two signs of life.
  static let interval = Duration.seconds(5)
  /// How long a silence may be that is not reported.
  static let longestSilence = Duration.seconds(15)

  func run() async {
    while !Task.isCancelled {
      do {
        try await server.eventLoop.submit {}.get()
        try await workers.run(.query) { () in }
        try await Task.sleep(for: supervisor.tellLife() ? Self.interval : .seconds(1))
      } catch {
        return
      }
    }
  }
}
