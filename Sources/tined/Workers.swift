import Control
import NIOPosix

/// Threads for calls that block, so that they never hold up the threads that serve connections.
struct Workers: Sendable {
  private let pool: NIOThreadPool

  init(count: Int) {
    pool = NIOThreadPool(numberOfThreads: count)
    pool.start()
  }

  /// Runs `body` on one of the threads.
  func run<Value: Sendable>(_ body: @escaping @Sendable () throws(Failure) -> Value) async throws(Failure) -> Value {
    do {
      return try await pool.runIfActive { try body() }
    } catch let failure as Failure {
      throw failure
    } catch {
      throw Failure(.unreachable, "the daemon is shutting down")
    }
  }
}
