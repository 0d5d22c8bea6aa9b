import FileSystem
import Store
import SystemIO
import Workloads

/// The difference of two forks of a million files, one page of which changed.
struct DiffScenario: Scenario {
  let name = "diff"
  let summary = "diff after one page changed among 1,000,000 files"

  func run(_ bench: Bench) throws -> [Figure] {
    let path = try bench.store(.manyFiles)
    let store = try Store.open(at: path)
    let (origin, changed) = (try Reference(fork: "prod"), try Reference(fork: "changed"))
    _ = try store.fork(origin, as: "changed")
    try change(store, changed, bench)
    var inside = Samples()
    for _ in 0..<(bench.quick ? 10 : 200) {
      inside.add(
        try microseconds { () throws(StoreError) in
          let changes = try store.diff(origin, changed)
          precondition(changes.count == 1 && changes[0].changedPages == 1, "one page has changed")
        } / 1000)
    }
    try store.close()
    // Again with nothing of the tree in memory.
    let reopened = try Store.open(at: path)
    let cold = try microseconds { () throws(StoreError) in _ = try reopened.diff(origin, changed) } / 1000
    try reopened.drop(changed)
    try reopened.close()
    return [
      Figure(
        "diff inside the daemon", inside.median, "ms", target: .atMost(5),
        note: "p99 \(inside.percentile(0.99).short) ms"),
      Figure("diff inside the daemon, first after a start", cold, "ms"),
    ]
  }

  private func change(_ store: Store, _ fork: Reference, _ bench: Bench) throws {
    let fileSystem = FileSystem(try store.volume(fork))
    let path = ["directory500", "file500"]
    let inode = try path.reduce(FileSystem.rootInode) { try fileSystem.lookup($0, Array($1.utf8)).inode }
    let page = ContentBuffer(count: 4096, seed: 5)
    _ = try withExtendedLifetime(page) { try fileSystem.write(inode, at: 0, page.content) }
  }
}
