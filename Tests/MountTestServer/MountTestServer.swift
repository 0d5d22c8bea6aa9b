import FUSE
import Glibc
import MountTestSupport
import Synchronization
import SystemIO

/// Serves a file system for tests, from a process of its own: one that uses its own mount can wait for itself.
///
///     MountTestServer DIRECTORY [--writeback] [--max-background N]
///
/// Says "ready FLAGS" when the directory is mounted and "ended REASON" when the session is over. Takes commands, one a line,
/// and answers each with a line.
@main
struct MountTestServer {
  let mountPoint: MountPoint
  let session: Session
  let agreement: Agreement
  let barrier: WriteBackBarrier
  let fileSystem = MemoryFileSystem()

  static func main() {
    Log.setSink { say("log \($0)") }
    do {
      let server = try MountTestServer(CommandLine.arguments)
      say("ready \(server.agreement.flags.rawValue)")
      while let line = readLine() { say(server.answer(line.split(separator: " ").map(String.init))) }
    } catch {
      say("failed \(error)")
    }
  }

  init(_ arguments: [String]) throws {
    let target = try MountTarget(arguments[1], subtype: "tinetest")
    mountPoint = MountPoint(resolved: target.path)
    var configuration = Configuration()
    configuration.writesBack = arguments.contains("--writeback")
    if let index = arguments.firstIndex(of: "--max-background") {
      configuration.maximumBackground = UInt16(arguments[index + 1])!
    }
    let channel = try target.mount(MountOptions(source: "tinetest:\(getpid())", subtype: "tinetest"))
    session = try Session(channel: channel, configuration: configuration, operations: fileSystem) {
      say("ended \($0)")
    }
    agreement = try session.waitUntilServing()
    let fileSystem = fileSystem
    barrier = try WriteBackBarrier(mountPoint, session) { fileSystem.path(of: $0) }
  }

  private func answer(_ command: [String]) -> String {
    do {
      switch command.first {
      case "barrier" where command.count > 1:
        return "\(try barrierOverHeldWrites(UInt8(command.last!)!))"
      case "barrier":
        let start = now()
        try barrier.wait()
        return "\(now() - start)"
      case "barriers":
        let count = Int(command[1])!
        let times = try (0..<count).map { _ in
          let start = now()
          try barrier.wait()
          return now() - start
        }
        return "\(times.sorted()[count / 2])"
      case "pages":
        return "\(pages(with: UInt8(command[1])!))"
      case "asked":
        return "\(fileSystem.attributeQuestions.load(ordering: .relaxed))"
      case "removed":
        let count = Int(command[1])!
        return "\(fileSystem.removed.wait { $0 >= count ? $0 : nil })"
      case "nodes":
        return "\(fileSystem.state.withLock { $0.nodes.count })"
      case "unmount":
        try mountPoint.unmount(lazily: false)
        return "unmounted"
      default:
        return "unknown command"
      }
    } catch {
      return "failed \(error)"
    }
  }

  /// Lets held writes go on only when a barrier that must wait for them has begun; returns how many of their pages had
  /// arrived when it ended.
  private func barrierOverHeldWrites(_ byte: UInt8) throws -> Int {
    let opener = BackgroundThread {
      _ = fileSystem.heldWrites.wait { $0 > 0 ? true : nil }
      fileSystem.gate.notifyAll { $0 = true }
    }
    try barrier.wait()
    let arrived = pages(with: byte)
    opener.join()
    return arrived
  }

  /// How many pages of all files begin with `byte`.
  private func pages(with byte: UInt8) -> Int {
    fileSystem.state.withLock { state in
      state.nodes.values.reduce(0) { sum, node in
        sum + stride(from: 0, to: node.content.count, by: 4096).count { node.content[$0] == byte }
      }
    }
  }
}

/// One write a line, past stdio's buffer: lines come from several threads.
private func say(_ line: String) {
  let bytes = Array((line + "\n").utf8)
  _ = write(STDOUT_FILENO, bytes, bytes.count)
}

/// The monotonic clock in nanoseconds.
private func now() -> Int {
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  return time.tv_sec * 1_000_000_000 + time.tv_nsec
}
