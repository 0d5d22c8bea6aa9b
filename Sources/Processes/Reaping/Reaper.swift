import CLinux
import Glibc
import SystemIO

/// The process between a command and whoever started it. When the command has ended, or the one that started it has, even by
/// SIGKILL, the reaper ends everything that descends from the command.
///
/// It is the same program, started again with `verb` as its first argument and the command behind it. It adopts orphans, so that no
/// descendant leaves it. It leads a process group of its own, so that what ends the group of the other process spares it. Its
/// descriptor 3 is a connection to that process, whose end it takes for an order to end everything.
public enum Reaper {
  static let verb = "reap-processes"
  private static let channel: Int32 = 3

  /// Serves as a reaper if this process was started as one; returns otherwise. To be called before anything else.
  public static func serveIfAsked() {
    guard CommandLine.argc > 2, let first = CommandLine.unsafeArgv[1], strcmp(first, verb) == 0,
      var command = Command(reaperArguments: arguments)
    else { return }
    var kind: Int32 = 0
    var size = socklen_t(MemoryLayout<Int32>.size)
    // Nobody else is to be harmed by a stray descriptor 3.
    guard getsockopt(channel, SOL_SOCKET, SO_TYPE, &kind, &size) == 0, kind == SOCK_SEQPACKET.rawValue else { return }
    command.environment = Environment.current
    // Should both be killed, the command at least goes with them.
    command.endsWithParent = true
    _ = fcntl(channel, F_SETFD, FD_CLOEXEC)
    Service(MessageSocket(FileDescriptor(owning: channel))).run(command)
  }

  private static var arguments: [[UInt8]] {
    (2..<Int(CommandLine.argc)).compactMap { index in
      CommandLine.unsafeArgv[index].map { Array(UnsafeRawBufferPointer(start: $0, count: strlen($0))) }
    }
  }

  private struct Service: ~Copyable {
    let channel: MessageSocket

    init(_ channel: consuming MessageSocket) { self.channel = channel }

    consuming func run(_ command: Command) -> Never {
      signal(SIGPIPE, SIG_IGN)
      let children = linux_watch_children()
      let interruptions = linux_catch_interruptions()
      do throws(SpawnError) {
        guard children >= 0, interruptions >= 0, linux_adopt_orphans() == 0 else {
          throw SpawnError(step: .fork, errno: .last)
        }
        let child = try command.start()
        tell(.started)
        attend(child, children, interruptions)
      } catch {
        tell(.failed(step: error.step.rawValue, errno: error.errno.rawValue))
      }
      exit(EXIT_SUCCESS)
    }

    private func attend(_ child: Child, _ children: Int32, _ interruptions: Int32) {
      var hasEnded = false
      while !hasEnded && isToGoOn(child, children, interruptions) {
        linux_forget_children(children)
        hasEnded = collect(child)
      }
      let left = ChildProcesses.endAll { process, ending in
        if process == child.process { tell(.ended(status: ending.status)) }
      }
      tell(.finished(left: left))
    }

    /// Waits until a child has ended; false if everything is to end.
    private func isToGoOn(_ child: Child, _ children: Int32, _ interruptions: Int32) -> Bool {
      var events = [children, channel.descriptor.rawValue, interruptions].map {
        pollfd(fd: $0, events: Int16(POLLIN), revents: 0)
      }
      while poll(&events, nfds_t(events.count), -1) < 0 && errno == EINTR {}
      if events[2].revents != 0 { return false }
      if events[1].revents != 0 {
        guard case .signal(let number) = receive() else { return false }
        child.signal(number)
      }
      return true
    }

    /// Waits for all children that have ended, adopted ones too; true if the command is one of them.
    private func collect(_ child: Child) -> Bool {
      var status: Int32 = 0
      while true {
        let process = waitpid(-1, &status, WNOHANG)
        if process <= 0 { return false }
        if process == child.process {
          tell(.ended(status: status))
          return true
        }
      }
    }

    private func receive() -> ReaperMessage? { ReaperMessage(from: channel) }

    /// Whoever started it may be gone; what there is to do is done all the same.
    private func tell(_ message: ReaperMessage) {
      do throws(Errno) { try channel.send(message.encoded) } catch { return }
    }
  }
}

extension Command {
  /// The command line of a reaper for this command, without the program's name. The environment is passed on as it is.
  var reaperArguments: [[UInt8]] {
    precondition(user == nil && extra == nil, "a reaper passes on neither another user nor a descriptor 3")
    // A command that belongs to this process's group joins it from the reaper, which has one of its own.
    let groupNumber: Int32 =
      switch group {
      case .inherited: getpgrp()
      case .own: 0
      case .existing(let number): number
      }
    let settings = [
      Array(String(groupNumber).utf8), directory ?? [], view?.source ?? [], view?.target ?? [], view?.hidden ?? [],
    ]
    return [Array(Reaper.verb.utf8)] + settings + arguments
  }

  /// Reads what follows the verb; nil if that is no command.
  init?(reaperArguments: [[UInt8]]) {
    let settings = 5
    guard reaperArguments.count > settings, let group = Int32(String(decoding: reaperArguments[0], as: UTF8.self))
    else {
      return nil
    }
    self.init(Array(reaperArguments[settings...]), environment: [])
    self.group = group == 0 ? .own : .existing(group)
    directory = reaperArguments[1].isEmpty ? nil : reaperArguments[1]
    guard !reaperArguments[2].isEmpty else { return }
    let hidden = reaperArguments[4].isEmpty ? nil : reaperArguments[4]
    view = View(source: reaperArguments[2], target: reaperArguments[3], hidden: hidden)
  }
}
