import Glibc
import MountTestSupport
import TestSupport
import Testing

/// A `ForkTestServer` on a store of its own, with a fork `prod` that is mounted.
final class ForkServer {
  let store: TemporaryDirectory
  let prod: TemporaryMountPoint
  private var others: [TemporaryMountPoint] = []
  private var process: ServerProcess

  init(_ options: String = "") throws {
    store = TemporaryDirectory()
    prod = try TemporaryMountPoint()
    process = try ServerProcess("ForkTestServer", [store.appending("store")])
    try #require(try process.receive() == "ready")
    try run("make prod")
    try run("mount prod \(prod.path) \(options)")
  }

  deinit { process.kill() }

  /// Has the server carry a command out.
  func run(_ command: String) throws {
    try #require(try process.ask(command) == "done", "\(command)")
  }

  @discardableResult
  func ask(_ command: String) throws -> String { try process.ask(command) }

  func receive() throws -> String { try process.receive() }

  /// Forks or snapshots, mounts the result, and returns where.
  func mount(_ kind: String, of source: String, as name: String) throws -> String {
    let mountPoint = try TemporaryMountPoint()
    try run("\(kind) \(source) \(name)")
    try run("mount \(kind == "fork" ? name : "\(source)@\(name)") \(mountPoint.path)")
    others.append(mountPoint)
    return mountPoint.path
  }

  /// Kills the server as `kill -9` does, and starts it again with `prod` mounted where it was.
  func restart() throws {
    process.kill()
    process = try ServerProcess("ForkTestServer", [store.appending("store")])
    try #require(try process.receive() == "ready")
    try run("mount prod \(prod.path)")
  }
}

extension Trait where Self == ConditionTrait {
  /// The suites whose tests mount.
  static var mounts: Self {
    .disabled(if: TemporaryMountPoint.obstacle != nil, "\(TemporaryMountPoint.obstacle ?? "")")
  }
}
