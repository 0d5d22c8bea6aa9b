import Workloads

/// The most memory that importing takes, which must not grow with what is imported.
struct MemoryScenario: Scenario {
  let name = "memory"
  let summary = "peak memory of importing 20 GiB, and 1,000,000 files"

  func run(_ bench: Bench) throws -> [Figure] {
    let parts = bench.quick ? 1 : 20
    let files = bench.quick ? 2000 : 1_000_000
    return [
      try measure("\(parts) GiB", try bench.makeDirectory("source"), bench) { source in
        for part in 0..<parts {
          try HostFiles.makeFile("\(source)/data\(part)", mebibytes: 1024, .compressible, seed: UInt64(part + 1))
        }
      },
      // A million files take the better part of an hour to make on a disk.
      try measure("\(files) files", try bench.makeMemoryDirectory("source"), bench) { source in
        try HostFiles.makeTree(source, files: files)
      },
    ]
  }

  private func measure(
    _ name: String, _ source: String, _ bench: Bench, _ make: (String) throws -> Void
  ) throws -> Figure {
    let store = bench.path("store")
    defer {
      removeTree(source)
      removeTree(store)
    }
    try make(source)
    try Program(try bench.tine(), "init", "--store", store).runSuccessfully()
    let outcome = try Program(try bench.tine(), "import", "prod", source, "--store", store).runSuccessfully()
    return Figure(
      "peak memory, import of \(name)", Double(outcome.peakBytes) / 1_048_576, "MiB",
      note: "in \((outcome.microseconds / 1e6).short) s")
  }
}
