import Control
import NIOPosix
import Synchronization

/// Threads for calls that block, so that they never hold up the threads that serve connections. Each kind of work has its own, so that what takes long
/// keeps nothing else waiting.
final class Workers: Sendable {
  enum Kind: CaseIterable {
    /// Looks something up.
    case query
    /// Changes the store or its mounts.
    case change
    /// Takes as long as there is data.
    case long
    /// Ends the daemon.
    case ending

    fileprivate var threads: Int {
      switch self {
      case .query: 4
      case .change, .long: 16
      case .ending: 1
      }
    }
  }

  private let pools: [Kind: NIOThreadPool]
  /// How much long work there may be, with what waits for a thread.
  private let mostLong: Int
  private let long = Mutex(0)

  init(mostLong: Int) {
    self.mostLong = mostLong
    pools = Dictionary(
      uniqueKeysWithValues: Kind.allCases.map { kind in
        let pool = NIOThreadPool(numberOfThreads: kind.threads)
        pool.start()
        return (kind, pool)
      })
  }

  /// Runs `body` on a thread of its kind.
  ///
  /// - Throws: `busy` where too much long work waits already.
  func run<Value: Sendable>(
    _ kind: Kind, _ body: @escaping @Sendable () throws(Failure) -> Value
  ) async throws(Failure) -> Value {
    if kind == .long { try enter() }
    defer { if kind == .long { long.withLock { $0 -= 1 } } }
    guard let pool = pools[kind] else { preconditionFailure("each kind of work has its threads") }
    do {
      return try await pool.runIfActive { try body() }
    } catch let failure as Failure {
      throw failure
    } catch {
      throw Failure(.unreachable, "the daemon is shutting down")
    }
  }

  private func enter() throws(Failure) {
    try long.withLock { (count) throws(Failure) in
      guard count < mostLong else {
        throw Failure(.busy, "\(count) long operations are under way or wait", hint: "try again when some have ended")
      }
      count += 1
    }
  }
}
