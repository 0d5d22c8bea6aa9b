import Glibc
import Workloads

/// A store with a running daemon, driven through the command as people drive it.
final class ServedStore: Sendable {
  let bench: Bench
  let path: String
  let tine: String
  private let cleanup: Int

  /// Begins to serve a store by mounting one of its forks.
  init(_ bench: Bench, _ path: String, mounting fork: String, at directory: String) throws {
    self.bench = bench
    self.path = path
    let tine = try bench.tine()
    self.tine = tine
    cleanup = Cleanup.add { _ = try? Program(tine, "stop", "--force", "--store", path).run() }
    try mount(fork, at: directory)
  }

  /// A new store whose empty fork `prod` is mounted.
  static func withEmptyFork(_ bench: Bench) throws -> (store: ServedStore, mount: String) {
    let path = bench.path("store")
    try Program(try bench.tine(), "init", "--store", path).runSuccessfully()
    try Program(try bench.tine(), "fork", "--empty", "prod", "--store", path).runSuccessfully()
    let mount = try bench.makeDirectory("mount")
    return (try ServedStore(bench, path, mounting: "prod", at: mount), mount)
  }

  func command(_ arguments: String...) -> Program { Program([tine] + arguments + ["--store", path]) }

  func mount(_ fork: String, at directory: String, writeback: Bool = false) throws {
    try Program([tine, "mount", fork, directory, "--store", path] + (writeback ? ["--writeback"] : []))
      .runSuccessfully()
  }

  func unmount(_ directory: String) throws { try command("unmount", directory).runSuccessfully() }

  /// Unmounts everything and ends the daemon.
  func stop() { Cleanup.run(cleanup) }
}
