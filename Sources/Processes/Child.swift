import CLinux
import Glibc

/// A child process. Whoever starts one waits for it, once.
public struct Child: Hashable, Sendable {
  public let process: Int32
  /// Whether it leads a process group of its own.
  public let ownGroup: Bool

  /// How a process ended.
  public enum Ending: Hashable, Sendable {
    case exited(Int32)
    case killed(signal: Int32)

    /// The exit code that a shell would report: 128 and the signal's number for a killed process.
    public var code: Int32 {
      switch self {
      case .exited(let code): code
      case .killed(let signal): 128 + signal
      }
    }
  }

  /// Waits until it has ended.
  public func wait() -> Ending {
    var status: Int32 = 0
    while waitpid(process, &status, 0) < 0 && errno == EINTR {}
    return Ending(status: status)
  }

  /// Waits until it has ended, `milliseconds` at most (-1: however long), or `descriptor` is readable; nil where it
  /// still runs.
  public func wait(atMost milliseconds: Int32, orReadable descriptor: Int32 = -1) -> Ending? {
    let own = linux_open_process(process)
    if own >= 0 {
      defer { close(own) }
      var events = [
        pollfd(fd: own, events: Int16(POLLIN), revents: 0), pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0),
      ]
      while poll(&events, 2, milliseconds) < 0 && errno == EINTR {}
      if events[0].revents == 0 { return nil }
    }
    return wait()
  }

  /// Whether its first thread has ended: it was killed, or ends.
  public var isEnding: Bool { linux_first_thread_has_ended(process) }

  /// Waits until it has ended, after its first thread has. Where it was killed and its other threads only ask mounted file systems for
  /// something, which may never answer, it counts as ended too.
  public func waitAfterFirstThread() -> Ending {
    while true {
      if let ending = wait(atMost: 20) { return ending }
      if linux_only_asks_file_systems(process) { return .killed(signal: SIGKILL) }
    }
  }

  /// Sends a signal to it, and to its process group where it leads one.
  public func signal(_ number: Int32) { kill(ownGroup ? -process : process, number) }

  /// Asks it to end, and ends it by force where it has not within `grace` milliseconds.
  public func end(grace: Int32 = 2000) -> Ending {
    signal(SIGTERM)
    if let ending = wait(atMost: grace) {
      signal(SIGKILL)
      return ending
    }
    signal(SIGKILL)
    return wait()
  }
}

extension Child.Ending {
  /// Reads the status that waitpid(2) gives.
  init(status: Int32) {
    let signal = status & 0x7f
    self = signal == 0 ? .exited(status >> 8 & 0xff) : .killed(signal: signal)
  }

  /// The status that waitpid(2) would give.
  var status: Int32 {
    switch self {
    case .exited(let code): code << 8
    case .killed(let signal): signal
    }
  }
}
