import Glibc
import HummingbirdCore
import NIOCore
import Synchronization
import SystemIO

/// The connections of the API's server. There is a limit, so that they leave descriptors to mounts and segments; and so that nobody is kept out by
/// others who ask for nothing, connections that only wait are closed: after half a minute, and much sooner where there is no room, the oldest first.
///
/// A connection whose request is being answered is not closed, unless nobody reads the answer and others need the room. Where all are at work, new ones
/// wait in the kernel's queue.
final class Connections: Sendable {
  /// What a connection is at.
  enum Stage {
    /// It has sent nothing, or a part of a request, or nothing since the last answer.
    case waiting(since: NIODeadline)
    case answering
    /// There is an answer that it does not read.
    case unread(since: NIODeadline)

    fileprivate func allowsClosing(at now: NIODeadline) -> NIODeadline? {
      switch self {
      case .waiting(let since): now - since > Connections.longestWaitOfMany ? since : nil
      case .unread(let since): now - since > Connections.longestWaitForReader ? since : nil
      case .answering: nil
      }
    }
  }

  private struct State {
    var count = 0
    var nextNumber = 0
    var open: [Int: (channel: any Channel, stage: Stage)] = [:]
    var server: (any Channel)?
    var isLookingForRoom = false
  }

  /// How many there may be at a time.
  let limit: Int
  private let reserve: Int32
  private let openFiles: Int32
  private let state = Mutex(State())

  /// How long a connection may wait without a request.
  static let longestWait = TimeAmount.seconds(30)
  /// The same where others need the room: a request follows its connection at once.
  private static let longestWaitOfMany = TimeAmount.milliseconds(300)
  /// How long an answer may be left unread where others need the room.
  private static let longestWaitForReader = TimeAmount.seconds(3)
  /// How often it is looked for room, while there is none.
  private static let pause = TimeAmount.milliseconds(50)

  init() {
    openFiles = Int32(clamping: OpenFileLimit.current)
    limit = min(512, Int(openFiles) / 4)
    reserve = min(256, openFiles / 4)
  }

  /// Connections are accepted on this channel.
  func serve(on channel: any Channel) { state.withLock { $0.server = channel } }

  // MARK: One connection

  func add(_ channel: any Channel) -> Int {
    state.withLock { state in
      state.nextNumber += 1
      state.open[state.nextNumber] = (channel, .waiting(since: .now()))
      return state.nextNumber
    }
  }

  func note(_ stage: Stage, of number: Int) { state.withLock { $0.open[number]?.stage = stage } }

  func remove(_ number: Int) { state.withLock { _ = $0.open.removeValue(forKey: number) } }

  // MARK: Room

  fileprivate func accepted() { state.withLock { $0.count += 1 } }

  fileprivate func closed() { state.withLock { $0.count -= 1 } }

  /// Whether another may come; where not, room is looked for from here on.
  fileprivate func haveRoom() -> Bool {
    state.withLock { state in
      if hasRoom(state) { return true }
      if !state.isLookingForRoom, let server = state.server {
        state.isLookingForRoom = true
        server.eventLoop.scheduleTask(in: Self.pause) { self.lookForRoom() }
      }
      return false
    }
  }

  private func hasRoom(_ state: State) -> Bool { state.count < limit && descriptorsAreLeft }

  /// The lowest number that is free tells how many are taken at least.
  private var descriptorsAreLeft: Bool {
    let lowest = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0)
    if lowest >= 0 { Glibc.close(lowest) }
    return lowest >= 0 && lowest < openFiles - reserve
  }

  /// Has the server accept again, or closes the oldest of those that may be closed, a quarter of all at most, and looks
  /// again later.
  private func lookForRoom() {
    var isOver = false
    var closing: [any Channel] = []
    let server = state.withLock { state in
      isOver = hasRoom(state)
      if isOver { state.isLookingForRoom = false } else { closing = take(closable(state), from: &state) }
      return state.server
    }
    guard let server else { return }
    // Both come back here at once, so the lock must not be held.
    if isOver { server.read() }
    for channel in closing { channel.close(promise: nil) }
    if !isOver { server.eventLoop.scheduleTask(in: Self.pause) { self.lookForRoom() } }
  }

  private func take(_ numbers: [Int], from state: inout State) -> [any Channel] {
    numbers.compactMap { state.open.removeValue(forKey: $0)?.channel }
  }

  private func closable(_ state: State) -> [Int] {
    let now = NIODeadline.now()
    var since: [Int: NIODeadline] = [:]
    for (number, connection) in state.open { since[number] = connection.stage.allowsClosing(at: now) }
    return Array(since.sorted { $0.value < $1.value }.prefix(max(1, limit / 4)).map(\.key))
  }
}

/// Has the server accept connections only where there is room.
struct AcceptingWithinLimit: AvailableConnectionsDelegate {
  let connections: Connections

  func connectionOpened() { connections.accepted() }

  func connectionClosed() { connections.closed() }

  func isAcceptingNewConnections() -> Bool { connections.haveRoom() }
}
