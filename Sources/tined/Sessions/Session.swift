import Control
import Service
import Synchronization
import SystemIO

/// The daemon's side of a client's session: the descriptors that it has passed, and what is to end with it.
final class Session: Sendable {
  /// By which the supervisor knows it.
  let number: Int
  let token: String
  let socket: MessageSocket

  private final class Passed: Sendable {
    let file: Mutex<FileDescriptor?>

    init(_ file: consuming FileDescriptor) { self.file = Mutex(file) }
  }

  private struct State {
    var passed: [Int: Passed] = [:]
    var leases: [Lease]
    var isOver = false
    var isKept = false
    var lastUse = ContinuousClock.now
  }

  private let state: Mutex<State>
  /// How many descriptors may wait for their requests. A client passes one for each request that is under way.
  private static let mostPassed = 256

  init(number: Int, token: String, socket: consuming MessageSocket, leases: [Lease] = []) {
    self.number = number
    self.token = token
    self.socket = socket
    state = Mutex(State(leases: leases))
  }

  var leases: [Lease] { state.withLock { $0.leases } }

  /// The client is gone, and its session is not served any more.
  var isOver: Bool { state.withLock { $0.isOver } }

  /// Since when the client has asked for nothing, if nothing would end with its session; nil otherwise.
  var idleSince: ContinuousClock.Instant? { state.withLock { $0.leases.isEmpty ? $0.lastUse : nil } }

  /// The client has asked for something.
  func touch() { state.withLock { $0.lastUse = .now } }

  /// Keeps a descriptor for the request that names it.
  func pass(_ file: consuming FileDescriptor, as number: Int) throws(Failure) {
    let passed = Passed(file)
    try state.withLock { (state) throws(Failure) in
      guard state.passed.count < Self.mostPassed else {
        throw Failure(.badRequest, "more than \(Self.mostPassed) descriptors wait for a request that names them")
      }
      state.passed[number] = passed
    }
  }

  /// Gives a descriptor away that was passed.
  func take(_ number: Int) throws(Failure) -> FileDescriptor {
    touch()
    let passed = state.withLock { $0.passed.removeValue(forKey: number) }
    guard let passed, let file = passed.file.withLock({ $0.take() }) else {
      throw Failure(.badRequest, "the session has passed no descriptor \(number)")
    }
    return file
  }

  /// Adds a lease; false if the session is over, so that whatever was made must be ended at once.
  func add(_ lease: Lease) -> Bool {
    state.withLock { state in
      if !state.isOver { state.leases.append(lease) }
      return !state.isOver
    }
  }

  /// What has ended by itself need not end with the session.
  func forget(_ isForgotten: (Lease) -> Bool) {
    state.withLock { $0.leases.removeAll(where: isForgotten) }
  }

  /// Lets a head stay after the session; returns its lease, or nil if it was not made for it.
  func keep(_ name: String) -> Lease? {
    state.withLock { state in
      let index = state.leases.firstIndex { if case .head(let head) = $0 { head.name == name } else { false } }
      return index.map { state.leases.remove(at: $0) }
    }
  }

  /// Whether the supervisor has a copy of its connection.
  var isKept: Bool {
    get { state.withLock { $0.isKept } }
    set { state.withLock { $0.isKept = newValue } }
  }

  /// Nothing is added from here on. Descriptors that no request has named are closed.
  func close() {
    state.withLock { state in
      state.isOver = true
      state.passed = [:]
    }
  }
}
