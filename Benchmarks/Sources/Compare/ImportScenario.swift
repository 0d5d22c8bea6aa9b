import Glibc
import Workloads

/// An import against `cp -a` on the same disk, both of files that are in memory. The import is durable when it ends,
/// the copy is not.
struct ImportScenario: Scenario {
  let name = "import"
  let summary = "import against cp -a: large files, random and compressible, and small files"

  func run(_ bench: Bench) throws -> [Figure] {
    let mebibytes = bench.quick ? 256 : 2048
    let files = bench.quick ? 2000 : 100_000
    return try measure("\(mebibytes) MiB random", megabytes: Double(mebibytes) * 1.048576, bench) { source in
      for part in 0..<2 {
        try HostFiles.makeFile("\(source)/data\(part)", mebibytes: mebibytes / 2, .random, seed: UInt64(part + 1))
      }
    }
      + measure("\(mebibytes) MiB compressible", megabytes: Double(mebibytes) * 1.048576, bench) { source in
        for part in 0..<2 {
          try HostFiles.makeFile(
            "\(source)/data\(part)", mebibytes: mebibytes / 2, .compressible, seed: UInt64(part + 1))
        }
      }
      + measure("\(files) small files", files: Double(files), bench) { source in
        try HostFiles.makeTree(source, files: files)
      }
  }

  private func measure(
    _ name: String, megabytes: Double? = nil, files: Double? = nil, _ bench: Bench, _ make: (String) throws -> Void
  ) throws -> [Figure] {
    let source = try bench.makeDirectory("source")
    defer { removeTree(source) }
    try make(source)
    var (own, copy, durable) = (Samples(), Samples(), Samples())
    for _ in 0..<(bench.quick ? 1 : 3) {
      own.add(try importTime(source, bench))
      let (time, withSync) = try copyTimes(source, bench)
      copy.add(time)
      durable.add(withSync)
    }
    let (amount, unit) = megabytes.map { ($0, "MB/s") } ?? (files!, "files/s")
    return [
      Figure(
        "import, \(name)", amount / own.median * 1e6, unit, peer: "cp -a", amount / copy.median * 1e6,
        target: .ratioAtLeast(0.5),
        better: .more, note: "cp -a and sync of the same: \((amount / durable.median * 1e6).short) \(unit)")
    ]
  }

  private func importTime(_ source: String, _ bench: Bench) throws -> Double {
    let store = bench.path("store")
    defer { removeTree(store) }
    try Program(try bench.tine(), "init", "--store", store).runSuccessfully()
    bench.settle()
    return try Program(try bench.tine(), "import", "prod", source, "--store", store).time()
  }

  private func copyTimes(_ source: String, _ bench: Bench) throws -> (time: Double, withSync: Double) {
    let target = bench.path("copy")
    defer { removeTree(target) }
    bench.settle()
    let time = try Program("cp", "-a", source, target).time()
    let rest = microseconds { sync() }
    return (time, time + rest)
  }
}
