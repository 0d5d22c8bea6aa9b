import Control
import Glibc
import Logging
import Synchronization
import SystemIO

/// A worker's way to its supervisor.
final class SupervisorLink: Sendable {
  /// A descriptor that an earlier worker wanted kept.
  final class Inherited: Sendable {
    let data: [UInt8]
    private let descriptor: Mutex<FileDescriptor?>

    fileprivate init(_ descriptor: consuming FileDescriptor, _ data: [UInt8]) {
      self.descriptor = Mutex(descriptor)
      self.data = data
    }

    /// Gives the descriptor away, once.
    func release() -> FileDescriptor {
      guard let descriptor = descriptor.withLock({ $0.take() }) else { preconditionFailure("it was given away") }
      return descriptor
    }
  }

  private let socket: MessageSocket
  private let log: Logger
  /// Guards the order of messages, and tells whether the supervisor is gone.
  private let isAlone = Mutex(false)
  private let inherited: Mutex<[String: Inherited]>

  /// Hears what was kept.
  init(_ socket: consuming MessageSocket, log: Logger) throws(Errno) {
    var inherited: [String: Inherited] = [:]
    while true {
      guard var message = try socket.receive() else { throw .notConnected }
      let descriptor = message.descriptor.take()
      switch SupervisorMessage(decoding: message.bytes) {
      case .keep(let name, let data):
        guard let descriptor else { throw .invalidArgument }
        inherited[name] = Inherited(descriptor, data)
        continue
      case .begin: break
      default: throw .invalidArgument
      }
      break
    }
    self.inherited = Mutex(inherited)
    self.socket = socket
    self.log = log
  }

  /// The names of what was kept and not taken yet.
  var inheritedNames: [String] { inherited.withLock { Array($0.keys) } }

  /// Takes what was kept under a name.
  func take(_ name: String) -> Inherited? { inherited.withLock { $0.removeValue(forKey: name) } }

  /// Tells the supervisor something. Where it is gone, this worker goes on by itself, and no other will take over from it.
  func tell(_ message: SupervisorMessage, descriptor: Int32 = -1) {
    isAlone.withLock { isAlone in
      if isAlone { return }
      do throws(Errno) {
        try socket.send(message.encoded, descriptor: descriptor)
      } catch {
        log.critical("cannot tell the supervisor of \(message.summary): \(error)")
        if error.meansEnd { noteEnd(&isAlone) }
      }
    }
  }

  /// Says that this worker answers, where what was said before has been heard: a supervisor that does not listen needs the room for what must be heard.
  func tellLife() -> Bool {
    let isHeard = isAlone.withLock { !$0 && socket.isDrained }
    if isHeard { tell(.alive) }
    return isHeard
  }

  /// Whether there is a supervisor still.
  var isReachable: Bool {
    isAlone.withLock { isAlone in
      if !isAlone, socket.isAbandoned { noteEnd(&isAlone) }
      return !isAlone
    }
  }

  private func noteEnd(_ isAlone: inout Bool) {
    isAlone = true
    log.critical("the supervisor has ended: mounts will end with this process")
  }

  /// Waits for a signal, and notes meanwhile where the supervisor ends.
  func next(of signals: Signals) -> Int32 {
    while true {
      // After the start the supervisor says nothing, so that there is something to read means that it has ended.
      if let signal = signals.next(orReadable: socket.descriptor.rawValue, atMost: -1) { return signal }
      if !isReachable { return signals.next() }
    }
  }
}

extension Errno {
  /// Whether there is nobody at the other end any more.
  fileprivate var meansEnd: Bool { [EPIPE, ECONNRESET, ENOTCONN].contains(rawValue) }
}
