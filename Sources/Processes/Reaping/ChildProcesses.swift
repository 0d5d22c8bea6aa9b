import CLinux
import Glibc
public import SystemIO

/// The children of this process, and with `adoptOrphans` everything that descends from it.
public enum ChildProcesses {
  /// From here on a descendant whose parent ends becomes a child of this process. So none escapes, whatever it does to its
  /// environment, its session or its parents (PR_SET_CHILD_SUBREAPER).
  public static func adoptOrphans() throws(Errno) {
    try retryingInterrupts { linux_adopt_orphans() }
  }

  /// Ends all descendants: asks them to with SIGTERM, waits `grace` milliseconds, and then kills children until there are none.
  ///
  /// A killed process leaves its children to this one, so that killing children reaches every descendant in the end, also one
  /// that forks all the time. The number of a child cannot be used again before it is waited for, so that no other process is hit.
  ///
  /// - Parameters:
  ///   - spared: children that stay, with all that descends from them.
  ///   - onEnd: called for each child that has ended.
  /// - Returns: the children that could not be ended, because they belong to another user or wait in the kernel.
  public static func endAll(
    grace: Int = 2000, sparing spared: Set<Int32> = [], onEnd: (Int32, Child.Ending) -> Void = { _, _ in }
  ) -> [Int32] {
    if !collect(children(spared), onEnd).isEmpty { askToEnd(grace, spared, onEnd) }
    let deadline = ContinuousClock.now.advanced(by: .milliseconds(patience))
    while true {
      let present = children(spared)
      let refusing = present.filter { kill($0, SIGKILL) != 0 && Errno.last == .notPermitted }
      let left = collect(present, onEnd)
      // Whoever has ended may have left its children to this process after they were listed.
      let isSettled = left.count == present.count && left.count == refusing.count
      if isSettled || ContinuousClock.now >= deadline { return left }
      if let waitedFor = left.first(where: { !refusing.contains($0) }) { awaitEnd(of: waitedFor, atMost: 10) }
    }
  }

  /// How long a killed process may take to end: it may be waiting for a disk.
  private static let patience = 30_000

  private static func askToEnd(_ grace: Int, _ spared: Set<Int32>, _ onEnd: (Int32, Child.Ending) -> Void) {
    let deadline = ContinuousClock.now.advanced(by: .milliseconds(grace))
    for (process, entry) in descendants(spared) {
      signal(process, entry, SIGTERM)
      // A stopped process would take the signal when it continues.
      signal(process, entry, SIGCONT)
    }
    while ContinuousClock.now < deadline {
      _ = collect(children(spared), onEnd)
      guard let first = descendants(spared).first else { return }
      awaitEnd(of: first.process, atMost: 50)
    }
  }

  private static func descendants(_ spared: Set<Int32>) -> [(process: pid_t, entry: ProcessTable.Entry)] {
    let table = ProcessTable()
    let sparedToo = spared.flatMap { table.descendants(of: $0).map(\.process) }
    let all = spared.union(sparedToo)
    return table.descendants(of: getpid()).filter { !all.contains($0.process) }
  }

  /// Sends a signal to the process that was listed, and to no other that has its number by now.
  private static func signal(_ process: pid_t, _ entry: ProcessTable.Entry, _ number: Int32) {
    let descriptor = linux_open_process(process)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    guard ProcessTable.entry(of: process)?.started == entry.started else { return }
    _ = linux_signal_process(descriptor, number)
  }

  /// Waits for those that have ended; returns the others.
  private static func collect(_ children: [pid_t], _ onEnd: (Int32, Child.Ending) -> Void) -> [pid_t] {
    children.filter { child in
      var status: Int32 = 0
      let found = waitpid(child, &status, WNOHANG)
      if found == child { onEnd(child, Child.Ending(status: status)) }
      return found == 0
    }
  }

  private static func awaitEnd(of process: pid_t, atMost milliseconds: Int32) {
    let descriptor = linux_open_process(process)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    var event = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    _ = poll(&event, 1, milliseconds)
  }

  /// The children of this process, those that have ended and were not waited for included.
  private static func children(_ spared: Set<Int32>) -> [pid_t] {
    let listed = listedChildren().filter { !spared.contains($0) }
    // The kernel may leave some out of its own list while others end, and need not have such a list.
    return listed.isEmpty ? ProcessTable().children(of: getpid()).filter { !spared.contains($0) } : listed
  }

  /// The same as the kernel lists them for each thread, which takes no look at the other processes of the machine.
  private static func listedChildren() -> [pid_t] {
    var children: [pid_t] = []
    for thread in ProcessTable.numbers(in: "/proc/self/task") {
      let list = ProcessTable.contents(of: "/proc/self/task/\(thread)/children")
      children += list.split(separator: UInt8(ascii: " ")).compactMap { pid_t(String(decoding: $0, as: UTF8.self)) }
    }
    return children
  }
}
