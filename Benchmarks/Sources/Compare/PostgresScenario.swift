import Glibc
import Workloads

/// pgbench's TPC-B, four clients, with PostgreSQL's data on a mount and on ext4 in turn.
struct PostgresScenario: Scenario {
  let name = "pgbench"
  let summary = "pgbench TPC-B on a mount against ext4"

  func run(_ bench: Bench) throws -> [Figure] {
    guard let binaries = Self.binaries, Program.exists("pgbench"), Program.exists("runuser") else {
      return [Figure("pgbench", note: "skipped: PostgreSQL is not installed")]
    }
    let server = PostgresServer(binaries: binaries, socket: try bench.makeDirectory("socket"))
    let host = bench.path("data")
    try server.make(host, scale: bench.quick ? 1 : 20)
    let path = bench.path("store")
    try Program(try bench.tine(), "init", "--store", path).runSuccessfully()
    try Program(try bench.tine(), "import", "prod", host, "--store", path).runSuccessfully()
    let mount = try bench.makeDirectory("mount")
    let store = try ServedStore(bench, path, mounting: "prod", at: mount)
    defer { store.stop() }
    var (own, written, peer) = (Samples(), Samples(), Samples())
    for _ in 0..<(bench.quick ? 1 : 3) {
      own.add(try server.measure(mount, seconds: bench.quick ? 3 : 20))
      try store.unmount(mount)
      try store.mount("prod", at: mount, writeback: true)
      written.add(try server.measure(mount, seconds: bench.quick ? 3 : 20))
      try store.unmount(mount)
      try store.mount("prod", at: mount)
      peer.add(try server.measure(host, seconds: bench.quick ? 3 : 20))
    }
    return [
      Figure("pgbench TPC-B, 4 clients", own.median, "tps", peer: "ext4", peer.median, better: .more),
      Figure("pgbench TPC-B, 4 clients, --writeback", written.median, "tps", peer: "ext4", peer.median, better: .more),
    ]
  }

  /// The folder with `initdb`, of the newest version that is installed.
  private static var binaries: String? {
    (10...20).reversed().map { "/usr/lib/postgresql/\($0)/bin" }.first { access("\($0)/initdb", X_OK) == 0 }
  }
}

/// A PostgreSQL server on one data directory after the other.
struct PostgresServer {
  let binaries: String
  let socket: String

  private func command(_ words: String...) -> Program { Program(["runuser", "-u", "postgres", "--"] + words) }

  /// Makes a data directory with pgbench's tables.
  func make(_ data: String, scale: Int) throws {
    mkdir(data, 0o700)
    try Program("chown", "postgres", data, socket).runSuccessfully()
    // The way there must be open to the server's user.
    try Program("chmod", "711", String(data[..<data.lastIndex(of: "/")!])).runSuccessfully()
    try command("\(binaries)/initdb", "-D", data, "--auth", "trust", "--no-sync").runSuccessfully()
    try serve(data) { try command("pgbench", "-h", socket, "-i", "-q", "-s", "\(scale)", "postgres").runSuccessfully() }
  }

  /// Transactions a second.
  func measure(_ data: String, seconds: Int) throws -> Double {
    var output = ""
    try serve(data) {
      output = try command("pgbench", "-h", socket, "-c", "4", "-j", "2", "-T", "\(seconds)", "postgres")
        .runSuccessfully().output
    }
    let rate = output.split(separator: "\n").first { $0.hasPrefix("tps = ") }.flatMap {
      Double($0.split(separator: " ")[2])
    }
    guard let rate else { throw Program.Failure("pgbench did not tell its rate: \(output)") }
    return rate
  }

  private func serve(_ data: String, _ body: () throws -> Void) throws {
    let stop = command("\(binaries)/pg_ctl", "-D", data, "-m", "fast", "-w", "stop")
    let cleanup = Cleanup.add { _ = try? stop.run() }
    defer { Cleanup.run(cleanup) }
    try command(
      "\(binaries)/pg_ctl", "-D", data, "-l", "\(socket)/log", "-w", "-o", "-c listen_addresses= -k \(socket)", "start"
    ).time().discard()
    try body()
  }
}

extension Double {
  fileprivate func discard() {}
}
