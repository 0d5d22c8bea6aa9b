import Glibc
import Synchronization
import SystemIO

/// A command that a reaper runs: nothing of it is left after `finish`, nor after the end of this process, however it ends.
public final class ReapedCommand: Sendable {
  /// A process that could not be ended.
  public struct Survivor: Hashable, Sendable {
    public let process: Int32
    /// Its program.
    public let name: String
  }

  private struct State {
    var ending: Child.Ending?
    var isOver = false
    var left: [Int32] = []
    var failure: SpawnError?
  }

  private let reaper: Child
  private let channel: MessageSocket
  private let state = Mutex(State())
  /// The reapers that run. Should one be killed, what it has attended becomes this process's, and they are not part of that.
  private static let reapers = Mutex<Set<Int32>>([])

  /// Starts a command, with `adoptOrphans` called before.
  ///
  /// - Parameter program: the one that calls `Reaper.serveIfAsked` first.
  public init(_ command: Command, program: String = "/proc/self/exe") throws(SpawnError) {
    var started = Command([Array(program.utf8)] + command.reaperArguments, environment: command.environment)
    started.input = command.input
    started.output = command.output
    started.error = command.error
    started.group = .own
    do throws(Errno) {
      let pair = try MessageSocket.pair()
      started.extra = pair.second.descriptor.rawValue
      do throws(SpawnError) { reaper = try started.start() } catch { throw error.errno }
      channel = pair.closeSecond()
    } catch {
      throw SpawnError(step: .fork, errno: error)
    }
    Self.reapers.withLock { _ = $0.insert(reaper.process) }
    guard case .started? = receive() else {
      _ = finish()
      throw state.withLock { $0.failure } ?? SpawnError(step: .fork, errno: .noSuchProcess)
    }
  }

  /// Waits until the command has ended, or `descriptor` is readable; nil if it still runs.
  public func wait(orReadable descriptor: Int32 = -1) -> Child.Ending? {
    while true {
      if let ending = state.withLock({ $0.ending }) { return ending }
      var events = [channel.descriptor.rawValue, descriptor].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
      while poll(&events, nfds_t(events.count), -1) < 0 && errno == EINTR {}
      if events[0].revents == 0 { return nil }
      // Without a reaper nobody knows how the command ended; it is killed with everything else.
      if receive() == nil { state.withLock { $0.ending = $0.ending ?? .killed(signal: SIGKILL) } }
    }
  }

  /// Sends a signal to the command, and to its process group if it leads one.
  public func signal(_ number: Int32) { send(.signal(number)) }

  /// Ends the command, if it still runs, and everything that descends from it: asks at first, and then kills.
  ///
  /// - Returns: what could not be ended.
  @discardableResult
  public func finish() -> [Survivor] {
    if state.withLock({ $0.ending }) == nil { send(.end) }
    while !state.withLock({ $0.isOver }), receive() != nil {}
    _ = reaper.wait()
    Self.reapers.withLock { _ = $0.remove(reaper.process) }
    let (isOver, left) = state.withLock { ($0.isOver, $0.left) }
    // The reaper was killed, and its children are this process's.
    let survivors = isOver ? left : ChildProcesses.endAll(sparing: Self.reapers.withLock { $0 })
    return survivors.map { Survivor(process: $0, name: ProcessTable.name(of: $0)) }
  }

  private func send(_ message: ReaperMessage) {
    // A reaper that has ended is noticed when its next message is waited for.
    do throws(Errno) { try channel.send(message.encoded) } catch { return }
  }

  /// Takes the next message into account; nil after the reaper has ended.
  private func receive() -> ReaperMessage? {
    let message = ReaperMessage(from: channel)
    switch message {
    case .ended(let status): state.withLock { $0.ending = Child.Ending(status: status) }
    case .finished(let left):
      state.withLock { state in
        state.isOver = true
        state.left = left
      }
    case .failed(let step, let errno):
      state.withLock { state in
        state.isOver = true
        state.failure = SpawnError(step: SpawnError.Step(rawValue: step) ?? .fork, errno: Errno(rawValue: errno))
      }
    case .started, .signal, .end, nil: break
    }
    return message
  }
}

extension Errno {
  fileprivate static let noSuchProcess = Errno(rawValue: ESRCH)
}
