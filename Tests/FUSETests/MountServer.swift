import MountTestSupport
import Testing

/// A `MountTestServer` that has mounted.
final class MountServer {
  let mountPoint: TemporaryMountPoint
  private(set) var flags: UInt64 = 0
  private let process: ServerProcess

  var path: String { mountPoint.path }

  init(_ arguments: [String] = [], at mountPoint: TemporaryMountPoint? = nil) throws {
    self.mountPoint = try mountPoint ?? TemporaryMountPoint()
    process = try ServerProcess("MountTestServer", [self.mountPoint.path] + arguments)
    let greeting = try process.receive().split(separator: " ")
    try #require(greeting.first == "ready", "\(greeting)")
    flags = try #require(UInt64(greeting[1]))
  }

  deinit { process.kill() }

  @discardableResult
  func ask(_ command: String) throws -> String { try process.ask(command) }

  func receive() throws -> String { try process.receive() }

  /// Kills the server, which leaves its mount behind.
  func kill() { process.kill() }
}

extension Trait where Self == ConditionTrait {
  /// The suites whose tests mount.
  static var mounts: Self {
    .disabled(if: TemporaryMountPoint.obstacle != nil, "\(TemporaryMountPoint.obstacle ?? "")")
  }
}
