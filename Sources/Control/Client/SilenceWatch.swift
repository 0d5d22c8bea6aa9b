import Glibc
import SystemIO

/// Hears that the daemon has not answered for long, in a line for people.
public typealias SilenceHandler = @Sendable (String) -> Void

/// Waits for a daemon, and tells one that takes long from one that does not answer anybody.
///
/// After ten seconds of silence somebody is told. From half a minute on, the daemon is asked for its version now and then, which it answers at once
/// whatever it is at; one that does not is given up. One that does is waited for, where there is no `limit`, for as long as it takes.
struct SilenceWatch: Sendable {
  enum Event { case ready, interruption }

  let store: String
  /// Becomes readable when the person wants the request to end.
  var interruption: Int32?
  var onSilence: SilenceHandler?
  /// How long the answer may take, also of a daemon that answers others.
  var limit: Duration?
  /// The daemon's process, where it is known.
  var process: Int32?

  private var began = ContinuousClock.now
  private var wasTold = false
  private var nextQuestion = Self.patience
  private var canceledUntil: ContinuousClock.Instant?

  private static let notice = Duration.seconds(10)
  private static let patience = Duration.seconds(30)
  /// How long it may take until the daemon says its version.
  private static let shortPatience = Duration.seconds(5)
  /// How often it is looked, in milliseconds.
  private static let pause: Int32 = 50

  init(store: String, interruption: Int32? = nil, onSilence: SilenceHandler? = nil) {
    self.store = store
    self.interruption = interruption
    self.onSilence = onSilence
  }

  /// The same from now on.
  var started: SilenceWatch {
    var watch = self
    watch.began = .now
    return watch
  }

  /// Waits until a descriptor is ready, or for a moment where there is none.
  mutating func wait(for descriptor: Int32?, _ events: Int16 = Int16(POLLIN)) throws(Failure) -> Event {
    while true {
      let isInterruptible = canceledUntil == nil
      var polled = [
        pollfd(fd: descriptor ?? -1, events: events, revents: 0),
        pollfd(fd: isInterruptible ? interruption ?? -1 : -1, events: Int16(POLLIN), revents: 0),
      ]
      _ = poll(&polled, 2, descriptor == nil ? Self.pause : 1000)
      if polled[0].revents != 0 { return .ready }
      if polled[1].revents != 0 { return .interruption }
      try judge(began.duration(to: .now))
      if descriptor == nil { return .ready }
    }
  }

  /// The request was canceled, and the daemon is to say that it has stopped. One that answers nobody is not waited for.
  mutating func confirm(within duration: Duration) {
    canceledUntil = .now.advanced(by: isAnswering(within: .seconds(1)) ? duration : .zero)
  }

  private mutating func judge(_ silence: Duration) throws(Failure) {
    if let canceledUntil {
      guard ContinuousClock.now < canceledUntil else { throw .canceled }
      return
    }
    if silence >= Self.notice, !wasTold {
      wasTold = true
      let isAlive = isAnswering(within: .seconds(1))
      let state = isAlive ? "is still at work on this after" : "has not answered for"
      onSilence?("\(daemon) \(state) \(silence.components.seconds) s")
    }
    if let limit, silence >= limit { throw failure(silence) }
    guard silence >= nextQuestion else { return }
    nextQuestion = silence + Self.patience
    if !isAnswering(within: Self.shortPatience) { throw failure(began.duration(to: .now)) }
  }

  private var daemon: String { "the daemon" + (process.map { " (process \($0))" } ?? "") }

  private func failure(_ silence: Duration) -> Failure {
    Failure(
      .silent, "\(daemon) has not answered for \(silence.components.seconds) s",
      hint: "it hangs or is stopped, see daemon.log in the store or the runtime directory; "
        + "if it is killed, another one takes over")
  }

  /// Whether the daemon answers a question that it answers at any time.
  private func isAnswering(within duration: Duration) -> Bool {
    var watch = SilenceWatch(store: store)
    watch.limit = duration
    guard let connection = try? Connection(toDaemonOf: store, watch),
      (try? connection.write(Request(method: .get, path: ["version"]).encoded)) != nil
    else { return false }
    return (try? Response(reading: connection)) != nil
  }
}
