public import TestSupport

/// A `ForkTestServer` on a store of its own, with a fork `prod` that is mounted.
public final class ForkServer {
  public let store: TemporaryDirectory
  public let prod: TemporaryMountPoint
  private var others: [TemporaryMountPoint] = []
  private var process: ServerProcess

  public init(_ options: String = "") throws {
    store = TemporaryDirectory()
    prod = try TemporaryMountPoint()
    process = try ServerProcess("ForkTestServer", [store.appending("store")])
    try process.expect("ready")
    try run("make prod")
    try run("mount prod \(prod.path) \(options)")
  }

  deinit { process.kill() }

  /// Has the server carry a command out.
  public func run(_ command: String) throws {
    try process.expect("done", to: command)
  }

  @discardableResult
  public func ask(_ command: String) throws -> String { try process.ask(command) }

  public func receive() throws -> String { try process.receive() }

  /// Forks or snapshots, mounts the result, and returns where.
  public func mount(_ kind: String, of source: String, as name: String) throws -> String {
    let mountPoint = try TemporaryMountPoint()
    try run("\(kind) \(source) \(name)")
    try run("mount \(kind == "fork" ? name : "\(source)@\(name)") \(mountPoint.path)")
    others.append(mountPoint)
    return mountPoint.path
  }

  /// Unmounts a fork, and waits until nobody serves it.
  public func unmount(_ name: String) throws {
    // The one line comes from the thread that served it, the other from the one that takes commands.
    let answers = [try process.ask("unmount \(name)"), try process.receive()]
    guard Set(answers) == ["ended \(name) unmounted", "done"] else {
      throw ServerProcess.Failure(description: "unmount \(name): \(answers)")
    }
  }

  /// Kills the server as `kill -9` does, and starts it again with `prod` mounted where it was.
  public func restart() throws {
    process.kill()
    process = try ServerProcess("ForkTestServer", [store.appending("store")])
    try process.expect("ready")
    try run("mount prod \(prod.path)")
  }
}
