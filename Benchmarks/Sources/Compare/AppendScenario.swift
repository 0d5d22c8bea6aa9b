import Glibc
import SystemIO
import Workloads

/// What a server does that logs: append a page, and wait until it is durable.
struct AppendScenario: Scenario {
  let name = "append"
  let summary = "4 KiB append + fsync on a mount against ext4"

  func run(_ bench: Bench) throws -> [Figure] {
    let (store, mount) = try ServedStore.withEmptyFork(bench)
    defer { store.stop() }
    let host = try bench.makeDirectory("host")
    var (own, peer, writes, peerWrites) = (Samples(), Samples(), Samples(), Samples())
    for round in 0..<(bench.quick ? 2 : 10) {
      try append("\(mount)/log\(round)", &own, &writes)
      try append("\(host)/log\(round)", &peer, &peerWrites)
    }
    return [
      Figure(
        "4 KiB append + fsync", own.median, "µs", peer: "ext4", peer.median,
        note: "p99 \(own.percentile(0.99).short) µs, ext4 \(peer.percentile(0.99).short) µs"),
      Figure("4 KiB append without fsync", writes.median, "µs", peer: "ext4", peerWrites.median),
    ]
  }

  private func append(_ path: String, _ synced: inout Samples, _ unsynced: inout Samples) throws {
    let page = ContentBuffer(count: 4096, .compressible)
    let file = try FileDescriptor(opening: path, flags: O_WRONLY | O_CREAT, permissions: 0o644)
    for index in 0..<400 {
      page.renew(UInt64(index))
      let waits = index % 2 == 0
      let time = try microseconds { () throws(Errno) in
        try HostFiles.write(page.content, to: file, at: UInt64(index) * 4096)
        if waits { try retryingInterrupts { fsync(file.rawValue) } }
      }
      if waits { synced.add(time) } else { unsynced.add(time) }
    }
  }
}
