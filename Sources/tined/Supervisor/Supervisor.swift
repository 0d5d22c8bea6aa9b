import Control
import Glibc
import Logging
import Processes
import SystemIO

/// The process that outlives the daemon's worker. It keeps copies of the descriptors that must stay open, above all those of the
/// connections to the kernel, and starts another worker where one dies. Whoever uses a mount meanwhile sees a pause.
///
/// It knows neither stores nor mounts, has one thread, and does next to nothing, so there is little that could end it.
struct Supervisor {
  private let log: Logger
  private let signals: Signals
  /// The worker's command line, without the program.
  private let arguments: [String]
  private var program: String
  /// The program is one that `tine upgrade` named, and has not served yet.
  private var isOnTrial = false
  private var lastThatServed: String?
  private var kept: [String: Kept] = [:]

  private final class Kept {
    let descriptor: FileDescriptor
    var data: [UInt8]

    init(_ descriptor: consuming FileDescriptor, _ data: [UInt8]) {
      self.descriptor = descriptor
      self.data = data
    }
  }

  /// How a worker lived, by what it said and how it ended.
  private struct Life {
    let began = ContinuousClock.now
    var served: ContinuousClock.Instant?
    /// No worker is to follow it.
    var isEnding: Bool
    var isLate = false
    var successor: String?
    var heartbeat = HeartbeatWatch()
    var ending = Child.Ending.exited(0)

    /// It was killed, so what it served may still be mounted, and threads of it may wait for that.
    var wasCutOff: Bool { if case .killed = ending { true } else { false } }

    /// It ended by its own fault before it could be of use.
    var wasInVain: Bool {
      if case .killed(SIGKILL) = ending { return false }
      return served.map { $0.duration(to: .now) < .milliseconds(250) } ?? true
    }
  }

  /// - Parameter readiness: where the first worker is to report that it serves.
  init(arguments: [String], readiness: Int32?, log: Logger) throws(Failure) {
    self.arguments = arguments
    self.log = log
    do throws(Errno) {
      signals = try Signals()
      program = try Self.ownProgram()
    } catch {
      throw Failure(.failed, "cannot start the daemon: \(error)")
    }
    if let readiness { kept[Descriptors.readiness] = Kept(FileDescriptor(owning: readiness), []) }
  }

  /// Workers that die as soon as they are there are not replaced for ever, and a few of them by others of the same program.
  private static let mostLivesInVain = 20
  private static let mostLivesOfAProgram = 5

  /// How often it is looked at whether the worker is ending, in milliseconds.
  private static let pause: Int32 = 500

  /// How long a new program gets until it serves, in seconds. One that does not must not keep those waiting who use a mount.
  private static let trial = 20

  /// This process's own program, even where another file has taken its place: its workers did serve.
  private static let ownImage = "/proc/self/exe"

  /// Has workers serve until one ends because it was asked to, or none lives; then this process ends.
  mutating func run() -> Never {
    var livesInVain = 0
    var isEnding = false
    while true {
      let life = live(isEnding)
      // Whoever waited for the first worker has heard of it, or hears now that there is none.
      kept[Descriptors.readiness] = nil
      isEnding = life.isEnding
      if lastThatServed == nil || isEnding && !life.wasCutOff { exit(life.ending.code) }
      if let successor = life.successor {
        log.notice("\(successor) takes over")
        program = successor
        isOnTrial = true
        continue
      }
      log.warning("the worker \(life.ending.summary); another one takes over")
      // One that was killed from outside before it served says nothing about the next.
      if life.wasInVain { livesInVain += 1 } else if life.served != nil { livesInVain = 0 }
      guard livesInVain < Self.mostLivesInVain else { giveUp() }
      chooseProgram(after: livesInVain)
      if livesInVain > 1, signals.next(atMost: Int32(livesInVain) * 20) != nil { isEnding = true }
    }
  }

  /// A program on trial has failed; the one before has served and may do so again. Where its file is another one by now, or it does not serve
  /// either, there is this process's own.
  private mutating func chooseProgram(after livesInVain: Int) {
    if isOnTrial {
      program = lastThatServed == program ? Self.ownImage : lastThatServed ?? Self.ownImage
      isOnTrial = false
    } else if livesInVain >= Self.mostLivesOfAProgram {
      program = Self.ownImage
    }
  }

  private func giveUp() -> Never {
    log.critical("workers end as soon as they are started; the mounts are given up")
    exit(EXIT_FAILURE)
  }

  /// One worker's life.
  ///
  /// - Parameter isEnding: it is only to end in order what the one before could not.
  private mutating func live(_ isEnding: Bool) -> Life {
    // Earlier ones that had not ended altogether.
    while waitpid(-1, nil, WNOHANG) > 0 {}
    var life = Life(isEnding: isEnding)
    do throws(Errno) {
      let pair = try MessageSocket.pair()
      // One that does not listen must not keep this process waiting either.
      try pair.first.limitSending(seconds: Self.trial)
      let worker = try start(with: pair.second.descriptor.rawValue)
      let socket = pair.closeSecond()
      do throws(Errno) {
        try handOver(to: socket)
        try listen(to: socket, worker, &life)
      } catch {
        if error != .brokenPipe { log.error("cannot talk to the worker, so it is ended: \(error)") }
        worker.signal(SIGKILL)
      }
      life.ending = worker.waitAfterFirstThread()
    } catch {
      log.error("cannot start a worker: \(error)")
    }
    return life
  }

  private func start(with socket: Int32) throws(Errno) -> Child {
    var command = Command([program] + arguments, environment: Environment.current)
    command.extra = socket
    do throws(SpawnError) { return try command.start() } catch { throw error.errno }
  }

  private func handOver(to socket: borrowing MessageSocket) throws(Errno) {
    for (name, kept) in kept {
      try socket.send(
        SupervisorMessage.keep(name: name, data: kept.data).encoded, descriptor: kept.descriptor.rawValue)
    }
    try socket.send(SupervisorMessage.begin.encoded)
  }

  /// Takes what the worker says until it has ended, and passes signals on to it.
  ///
  /// A worker that is killed while one of its threads asks its own mount for something does not end before another worker answers. So it
  /// is looked at now and then whether its first thread is there, which never asks.
  private mutating func listen(
    to socket: borrowing MessageSocket, _ worker: Child, _ life: inout Life
  ) throws(Errno) {
    while true {
      endIfLate(worker, &life)
      if let report = life.heartbeat.look(at: worker) { log.error("\(report)") }
      if let signal = signals.next(orReadable: socket.descriptor.rawValue, atMost: Self.pause) {
        log.notice("passing signal \(signal) on to the worker")
        // It may not hear of it, if it has just been started or is about to die.
        life.isEnding = true
        worker.signal(SIGTERM)
        continue
      }
      // What it said last is heard before its end counts.
      let hasEnded = worker.isEnding
      guard socket.isReadable else {
        if hasEnded { return }
        continue
      }
      let received: MessageSocket.Message?
      do throws(Errno) { received = try socket.receive() } catch {
        guard [.messageTooLong, .tooManyOpenFiles].contains(error) else { throw error }
        log.error("a message of the worker was lost")
        continue
      }
      guard var message = received else { return }
      take(message.bytes, message.descriptor.take(), worker, &life)
    }
  }

  private func endIfLate(_ worker: Child, _ life: inout Life) {
    guard isOnTrial, !life.isLate, life.began.duration(to: .now) > .seconds(Self.trial) else { return }
    log.error("\(program) does not serve after \(Self.trial) seconds; it is ended")
    life.isLate = true
    worker.signal(SIGKILL)
  }

  private mutating func take(
    _ bytes: [UInt8], _ descriptor: consuming FileDescriptor?, _ worker: Child, _ life: inout Life
  ) {
    switch SupervisorMessage(decoding: bytes) {
    case .keep(let name, let data):
      if let descriptor { kept[name] = Kept(descriptor, data) } else { kept[name]?.data = data }
    case .drop(let name): kept[name] = nil
    case .serving:
      life.served = .now
      _ = life.heartbeat.note()
      isOnTrial = false
      lastThatServed = program
      if life.isEnding { worker.signal(SIGTERM) }
    case .ending: life.isEnding = true
    case .alive: if let report = life.heartbeat.note() { log.notice("\(report)") }
    case .replace(let program):
      life.successor = program
      // What it has acknowledged is in the ledger, so this is as good an end as any.
      worker.signal(SIGKILL)
    case .begin, nil: log.error("the worker said something that has no meaning")
    }
  }

  /// The file of the program that this process runs.
  static func ownProgram() throws(Errno) -> String {
    var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
    let length = try retryingInterrupts { readlink("/proc/self/exe", &buffer, buffer.count) }
    return String(decoding: buffer[..<length], as: UTF8.self)
  }
}

/// The names of descriptors that a supervisor keeps.
enum Descriptors {
  static let readiness = "readiness"
  static let store = "store"
  static let lock = "lock"
  /// The runtime directory, locked.
  static let runtime = "runtime"
  static let requests = "requests"

  static func mount(_ number: Int) -> String { "mount-\(number)" }

  static func session(_ number: Int) -> String { "session-\(number)" }

  static func sessionNumber(_ name: String) -> Int? {
    name.hasPrefix("session-") ? Int(name.dropFirst("session-".count)) : nil
  }

  static func mountNumber(_ name: String) -> Int? {
    name.hasPrefix("mount-") ? Int(name.dropFirst("mount-".count)) : nil
  }
}

extension Child.Ending {
  fileprivate var summary: String {
    switch self {
    case .exited(let code): "ended with code \(code)"
    case .killed(let signal): "was ended by signal \(signal)"
    }
  }
}

extension Errno {
  fileprivate static let brokenPipe = Errno(rawValue: EPIPE)
}
