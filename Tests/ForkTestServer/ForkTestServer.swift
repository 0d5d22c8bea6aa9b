import FUSE
import FileSystem
import Glibc
import Mount
import Store
import Synchronization
import SystemIO

/// Serves forks of a store for tests, from a process of its own: one that uses its own mounts can wait for itself.
///
///     ForkTestServer STORE
///
/// Makes the store where there is none, says "ready", takes commands, one a line, and answers each with a line.
@main
final class ForkTestServer: Sendable {
  private let store: Store
  private let mounts = Mutex<[String: MountedFork]>([:])

  static func main() {
    Log.setSink { say("log \($0)") }
    do {
      let server = try ForkTestServer(CommandLine.arguments[1])
      say("ready")
      while let line = readLine() { say(server.answer(line.split(separator: " ").map(String.init))) }
    } catch {
      say("failed \(error)")
    }
  }

  init(_ path: String) throws(StoreError) {
    do {
      try Store.create(at: path)
    } catch {
      guard error.kind == .storeExists else { throw error }
    }
    store = try Store.open(at: path)
  }

  private func answer(_ command: [String]) -> String {
    do {
      try run(command[0], Array(command.dropFirst()))
      return "done"
    } catch let error as MountError {
      return "failed \(error.reason)"
    } catch {
      return "failed \(error)"
    }
  }

  private func run(_ command: String, _ arguments: [String]) throws {
    switch command {
    case "make": try makeFork(arguments[0])
    case "mount": try mount(arguments[0], at: arguments[1], writesBack: arguments.contains("writeback"))
    case "unmount": try mounts.withLock { $0[arguments[0]] }?.unmount()
    case "detach": try mounts.withLock { $0[arguments[0]] }?.unmountLazily()
    case "barrier": try mounts.withLock { $0[arguments[0]] }?.barrier()
    case "fork":
      try mounts.withLock { $0[arguments[0]] }?.barrier()
      _ = try store.fork(Reference(arguments[0]), as: arguments[1])
    case "snapshot":
      try mounts.withLock { $0[arguments[0]] }?.barrier()
      _ = try store.snapshot(Reference(arguments[0]), as: arguments[1])
    case "close": try store.close()
    default: throw Errno.invalidArgument
    }
  }

  private func makeFork(_ name: String) throws {
    _ = try store.createFork(named: name)
    let fileSystem = FileSystem(try store.volume(Reference(name)))
    try fileSystem.makeRoot(mode: 0o755, Credentials(user: getuid(), group: getgid()))
  }

  private func mount(_ name: String, at path: String, writesBack: Bool) throws {
    let fileSystem = FileSystem(try store.volume(Reference(name)))
    let mounted = try MountedFork(
      fileSystem, at: path, options: .init(name: name, writesBack: writesBack)
    ) { reason in
      self.mounts.withLock { $0[name] = nil }
      say("ended \(name) \(reason)")
    }
    mounts.withLock { $0[name] = mounted }
  }
}

/// One write a line, past stdio's buffer: lines come from several threads.
private func say(_ line: String) {
  let bytes = Array((line + "\n").utf8)
  _ = write(STDOUT_FILENO, bytes, bytes.count)
}
