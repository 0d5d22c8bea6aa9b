import CLinux
import Glibc
public import SystemIO

/// The processes that came from this one, also those whose parents have ended.
public enum Descendants {
  /// From here on, a descendant whose parent ends becomes a child of this process, so none escapes.
  public static func adopt() throws(Errno) {
    try retryingInterrupts { linux_adopt_orphans() }
  }

  /// Ends all descendants that have `variable` (`NAME=value`) in their environment: asks them to, waits `grace`
  /// milliseconds, then ends them by force. Returns how many there were.
  @discardableResult
  public static func end(with variable: [UInt8], grace: Int = 2000) -> Int {
    let found = all(with: variable)
    if found.isEmpty { return 0 }
    for process in found { kill(process, SIGTERM) }
    var left = found
    let deadline = ContinuousClock.now.advanced(by: .milliseconds(grace))
    while !left.isEmpty && ContinuousClock.now < deadline {
      awaitEnd(of: left[0], atMost: 100)
      left = all(with: variable)
    }
    while !left.isEmpty {
      for process in left { kill(process, SIGKILL) }
      awaitEnd(of: left[0], atMost: 1000)
      left = all(with: variable)
    }
    return found.count
  }

  /// Waits until a process has ended, and takes it away where it is a child of this one.
  private static func awaitEnd(of process: pid_t, atMost milliseconds: Int32) {
    let descriptor = linux_open_process(process)
    if descriptor >= 0 {
      defer { close(descriptor) }
      var event = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      _ = poll(&event, 1, milliseconds)
    }
    waitpid(process, nil, WNOHANG)
  }

  /// Running descendants that have the variable.
  private static func all(with variable: [UInt8]) -> [pid_t] {
    let parents = parentsOfAll()
    let own = getpid()
    return parents.keys.filter { process in
      var ancestor = process
      while let parent = parents[ancestor], parent != own { ancestor = parent }
      return parents[ancestor] == own
        && environment(of: process).split(separator: 0).contains { $0.elementsEqual(variable) }
    }.sorted()
  }

  /// Every process of the machine that has not ended, with its parent.
  private static func parentsOfAll() -> [pid_t: pid_t] {
    guard let directory = opendir("/proc") else { return [:] }
    defer { closedir(directory) }
    var parents: [pid_t: pid_t] = [:]
    while let entry = readdir(directory) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      guard let process = pid_t(name) else { continue }
      // The program's name stands in parentheses and may hold anything; state and parent follow the last one.
      let status = contents(of: "/proc/\(name)/stat")
      guard let end = status.lastIndex(of: UInt8(ascii: ")")) else { continue }
      let fields = status[(end + 1)...].split(separator: UInt8(ascii: " "))
      guard fields.count > 2, fields[0] != [UInt8(ascii: "Z")] else { continue }
      parents[process] = pid_t(String(decoding: fields[1], as: UTF8.self))
    }
    return parents
  }

  private static func environment(of process: pid_t) -> [UInt8] { contents(of: "/proc/\(process)/environ") }

  /// What a file of /proc says; nothing where the process has just ended.
  private static func contents(of path: String) -> [UInt8] {
    do {
      return try FileDescriptor(opening: path, flags: O_RDONLY).readAll()
    } catch {
      return []
    }
  }
}
