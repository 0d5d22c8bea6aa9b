import Glibc
import SystemIO
import Workloads

/// The first change of a large file in a fresh fork: what copies whole files pays for all of it here.
struct FirstWriteScenario: Scenario {
  let name = "write"
  let summary = "first 4 KiB write + fsync into a 512 MiB file of a fresh fork"

  func run(_ bench: Bench) throws -> [Figure] {
    let mebibytes = bench.quick ? 64 : 512
    let source = try bench.makeDirectory("source")
    try HostFiles.makeFile("\(source)/data", mebibytes: mebibytes, .compressible)
    let path = bench.path("store")
    try Program(try bench.tine(), "init", "--store", path).runSuccessfully()
    try Program(try bench.tine(), "import", "prod", source, "--store", path).runSuccessfully()
    let store = try ServedStore(bench, path, mounting: "prod", at: try bench.makeDirectory("mount"))
    defer { store.stop() }
    let btrfs = bench.btrfs()
    let subvolume = try btrfs?.makeSubvolume("large")
    if let subvolume { try HostFiles.makeFile("\(subvolume)/data", mebibytes: mebibytes, .compressible) }
    bench.settle()

    var (own, peer) = (Samples(), Samples())
    let mount = try bench.makeDirectory("mount")
    for round in 0..<(bench.quick ? 5 : 40) {
      try store.command("fork", "prod", "fork\(round)").runSuccessfully()
      try store.mount("fork\(round)", at: mount)
      own.add(try firstWrite("\(mount)/data", mebibytes, UInt64(round)))
      try store.unmount(mount)
      try store.command("drop", "fork\(round)").runSuccessfully()
      if let btrfs, let subvolume {
        try btrfs.snapshot(subvolume, "large\(round)").runSuccessfully()
        peer.add(try firstWrite("\(btrfs.path)/large\(round)/data", mebibytes, UInt64(round)))
        try btrfs.delete("large\(round)")
      }
    }
    return [
      Figure(
        "first 4 KiB write + fsync in a fork", own.median, "µs", peer: "btrfs snapshot",
        btrfs == nil ? nil : peer.median,
        target: .ratioAtMost(1),
        note: "p90 \(own.percentile(0.9).short) µs" + (btrfs == nil ? "" : ", btrfs \(peer.percentile(0.9).short) µs"))
    ]
  }

  private func firstWrite(_ path: String, _ mebibytes: Int, _ round: UInt64) throws -> Double {
    let page = ContentBuffer(count: 4096, seed: round + 99)
    var noise = Noise(seed: round)
    let offset = noise.next() % UInt64(mebibytes * 256) * 4096
    let file = try FileDescriptor(opening: path, flags: O_RDWR)
    return try microseconds { () throws(Errno) in
      try HostFiles.write(page.content, to: file, at: offset)
      try retryingInterrupts { fsync(file.rawValue) }
    }
  }
}
