import FileSystem
import Store
import SystemIO
import Workloads

/// A fork: as a whole process with a running daemon and a mounted origin, and inside the daemon.
struct ForkScenario: Scenario {
  let name = "fork"
  let summary = "fork stores of several sizes, behind 1,000 forks, and at depth 200"

  /// A store and the fork to take forks of.
  private struct Subject {
    let name: String
    let path: String
    let origin: String
    var inside = Samples()
    var process = Samples()
  }

  func run(_ bench: Bench) throws -> [Figure] {
    var subjects = [
      Subject(name: StoreShape.small.rawValue, path: try bench.store(.small), origin: "prod"),
      Subject(name: StoreShape.hugeFile.rawValue, path: try bench.store(.hugeFile), origin: "prod"),
      Subject(name: StoreShape.manyFiles.rawValue, path: try bench.store(.manyFiles), origin: "prod"),
      try crowded(bench), try deep(bench),
    ]
    for index in subjects.indices { subjects[index].inside = try measureInside(subjects[index], bench) }
    let peer = try measureProcesses(&subjects, bench)
    let (first, rest) = (subjects[0], subjects.dropFirst())
    var figures = subjects.map {
      Figure(
        "fork inside the daemon, \($0.name)", $0.inside.median, "µs", target: .atMost(100),
        note: "p99 \($0.inside.percentile(0.99).short) µs")
    }
    figures.append(
      Figure(
        "fork process, \(first.name)", first.process.median, "ms", peer: "btrfs subvolume snapshot", peer?.median,
        target: .atMost(5)))
    figures += rest.map {
      Figure(
        "fork process, \($0.name)", $0.process.median, "ms", peer: first.name, first.process.median,
        target: .ratioAtMost(1.25))
    }
    return figures
  }

  /// A small store that has a thousand forks already.
  private func crowded(_ bench: Bench) throws -> Subject {
    let path = bench.path("store")
    let store = try StoreShape.small.makeStore(at: path)
    for index in 0..<1000 { _ = try store.fork(try Reference(fork: "prod"), as: "other\(index)") }
    try store.close()
    return Subject(name: "behind 1,000 forks", path: path, origin: "prod")
  }

  /// A fork whose line of ancestors has 200 forks, each with a change of its own.
  private func deep(_ bench: Bench) throws -> Subject {
    let path = bench.path("store")
    let store = try StoreShape.small.makeStore(at: path)
    let page = ContentBuffer(count: 4096)
    var origin = "prod"
    for index in 0..<200 {
      let fork = "depth\(index)"
      _ = try store.fork(try Reference(fork: origin), as: fork)
      page.renew(UInt64(index))
      let fileSystem = FileSystem(try store.volume(try Reference(fork: fork)))
      let file = try fileSystem.lookup(FileSystem.rootInode, Array("file\(index % 10)".utf8)).inode
      _ = try fileSystem.write(file, at: 0, page.content)
      origin = fork
    }
    try store.close()
    return Subject(name: "at depth 200", path: path, origin: origin)
  }

  private func measureInside(_ subject: Subject, _ bench: Bench) throws -> Samples {
    let store = try Store.open(at: subject.path)
    let origin = try Reference(fork: subject.origin)
    var samples = Samples()
    for index in 0..<(bench.quick ? 50 : 500) {
      samples.add(try microseconds { () throws(StoreError) in _ = try store.fork(origin, as: "inside\(index)") })
    }
    for index in 0..<samples.count { try store.drop(try Reference(fork: "inside\(index)")) }
    try store.close()
    return samples
  }

  /// Forks in turn, one of each store and one of btrfs, so that what disturbs one disturbs all.
  private func measureProcesses(_ subjects: inout [Subject], _ bench: Bench) throws -> Samples? {
    let served = try subjects.map {
      try ServedStore(bench, $0.path, mounting: $0.origin, at: try bench.makeDirectory("mount"))
    }
    defer { for store in served { store.stop() } }
    let btrfs = bench.btrfs()
    let subvolume = try btrfs.map { try $0.makeSubvolume("small") }
    if let subvolume {
      let content = ContentBuffer(count: 104 << 10)
      for index in 0..<10 { try HostFiles.write(content.content, to: "\(subvolume)/file\(index)") }
    }
    bench.settle()
    var peer = Samples()
    let rounds = bench.quick ? 5 : 100
    for round in 0..<rounds {
      // Each comes first in some rounds: who comes behind btrfs finds less of itself in the caches.
      for step in 0...subjects.count {
        let index = (round + step) % (subjects.count + 1)
        if index < subjects.count {
          let fork = served[index].command("fork", subjects[index].origin, "process\(round)")
          subjects[index].process.add(try fork.time() / 1000)
        } else if let btrfs, let subvolume {
          peer.add(try btrfs.snapshot(subvolume, "snapshot\(round)").time() / 1000)
        }
      }
    }
    for round in 0..<rounds {
      for store in served { try store.command("drop", "process\(round)").runSuccessfully() }
      try btrfs?.delete("snapshot\(round)")
    }
    return btrfs == nil ? nil : peer
  }
}
