import Glibc
import MountTestSupport
import PosixCalls
import SystemIO
import Testing

/// The file system under test: that of the directory which TINE_POSIX_DIRECTORY names, or a mount of a new fork.
final class Ground: @unchecked Sendable {
  static let given = getenv("TINE_POSIX_DIRECTORY").map { Path(String(cString: $0)) }

  /// That of the running test.
  @TaskLocal static var current: Ground?

  let path: Path
  private let server: ForkServer?

  fileprivate init() throws {
    server = Self.given == nil ? try ForkServer() : nil
    path = Self.given ?? Path(server!.prod.path)
  }
}

/// Gives all tests of a suite one ground, which goes with the last of them.
struct GroundTrait: SuiteTrait, TestScoping {
  func provideScope(
    for test: Test, testCase: Test.Case?, performing body: @Sendable () async throws -> Void
  ) async throws {
    try await Ground.$current.withValue(try Ground()) { try await body() }
  }
}

/// The table of what programs rely on that run on ext4: every suite is an extension of it.
@Suite(GroundTrait(), .disabled(if: obstacle != nil, "\(obstacle ?? "")"))
enum Posix {}

private var obstacle: String? {
  if Ground.given == nil { return TemporaryMountPoint.obstacle }
  return geteuid() == 0 ? nil : "the table acts as several users, and needs root"
}

/// An empty directory of the file system under test that everybody may write to. It goes with its owner.
final class Place {
  let path: Path

  init() throws {
    let ground = try #require(Ground.current?.path ?? Ground.given)
    path = ground / "posix-\(UInt64.random(in: 0 ... .max))"
    try path.makeDirectory()
    try path.setMode(0o777)
  }

  deinit { try? path.removeTree() }

  static func / (place: Place, name: Path) -> Path { place.path / name }
}
