import MountTestSupport
import SystemIO

/// A new and empty file system that is compared with the reference.
protocol Subject: AnyObject {
  var root: String { get }
  var known: [KnownDifference] { get }
  /// Nobody uses it when these are called.
  func remount() throws
  func restart() throws
  /// Gives `body` the root of a fork of it as it is now.
  func withFork<Result>(_ body: (String) throws -> Result) throws -> Result
}

/// A mounted fork, on a server of its own.
final class MountedFork: Subject {
  private let server: ForkServer
  private var forks = 0
  var root: String { server.prod.path }
  let known = KnownDifference.ofForks

  init() throws { server = try ForkServer() }

  func remount() throws {
    try server.unmount("prod")
    try server.run("mount prod \(root)")
  }

  func restart() throws { try server.restart() }

  func withFork<Result>(_ body: (String) throws -> Result) throws -> Result {
    forks += 1
    let name = "fork\(forks)"
    let path = try server.mount("fork", of: "prod", as: name)
    let result = try body(path)
    try server.unmount(name)
    return result
  }
}

/// Another directory of the reference's own file system, which can't differ from it.
final class AnotherDirectory: Subject {
  private let directory: ReferenceDirectory
  var root: String { directory.path }
  let known: [KnownDifference] = []

  init() throws { directory = try ReferenceDirectory() }

  func remount() {}
  func restart() {}
  func withFork<Result>(_ body: (String) throws -> Result) throws -> Result { try body(root) }
}
