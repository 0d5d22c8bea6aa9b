import Glibc
import Workloads

/// A small source tree: unpacked, looked at, removed.
struct TreeScenario: Scenario {
  let name = "tree"
  let summary = "untar, stat and remove 3,000 files on a mount against ext4"

  private static let steps = ["untar", "stat", "remove"]

  func run(_ bench: Bench) throws -> [Figure] {
    let source = try bench.makeDirectory("source")
    try HostFiles.makeTree(source, files: 3000)
    let archive = bench.path("archive.tar")
    try Program("tar", "-cf", archive, "-C", source, ".").runSuccessfully()
    let (store, mount) = try ServedStore.withEmptyFork(bench)
    defer { store.stop() }
    let host = try bench.makeDirectory("host")
    var own = Self.steps.map { _ in Samples() }
    var peer = own
    for round in 0..<(bench.quick ? 1 : 5) {
      bench.settle()
      try measure("\(mount)/tree\(round)", archive, &own)
      bench.settle()
      try measure("\(host)/tree\(round)", archive, &peer)
    }
    return Self.steps.indices.map {
      Figure("\(Self.steps[$0]) 3,000 files", own[$0].median / 1000, "ms", peer: "ext4", peer[$0].median / 1000)
    }
  }

  private func measure(_ path: String, _ archive: String, _ samples: inout [Samples]) throws {
    mkdir(path, 0o755)
    samples[0].add(try Program("tar", "-xf", archive, "-C", path).time())
    samples[1].add(try Program("find", path, "-size", "+100M").time())
    samples[2].add(try Program("rm", "-rf", path).time())
  }
}
