import Glibc
import SystemIO
import Workloads

/// How long those wait who use a mount while another worker of its daemon takes over.
struct TakeoverScenario: Scenario {
  let name = "takeover"
  let summary = "the pause of a mount whose daemon's worker is killed, or replaced by an upgrade"

  /// What a worker may find in the ledger that no checkpoint has, in a large but usual case.
  private static let backlog = 512

  func run(_ bench: Bench) throws -> [Figure] {
    let (store, mount) = try ServedStore.withEmptyFork(bench)
    defer { store.stop() }
    var (killed, busy, upgraded) = (Samples(), Samples(), Samples())
    for round in 0..<(bench.quick ? 2 : 10) {
      try killed.add(pauseOfKill(store, mount))
      try upgraded.add(pauseOfUpgrade(store, mount))
      try HostFiles.makeFile("\(mount)/data", mebibytes: Self.backlog, .random, seed: UInt64(round) + 1)
      try busy.add(pauseOfKill(store, mount))
    }
    return [
      figure("pause, worker killed", killed),
      figure("– with \(Self.backlog) MiB just written", busy),
      figure("pause, upgrade", upgraded),
    ]
  }

  private func figure(_ name: String, _ samples: Samples) -> Figure {
    Figure(name, samples.median / 1000, "ms", note: "at most \((samples.percentile(1) / 1000).short) ms")
  }

  private func pauseOfKill(_ store: ServedStore, _ mount: String) throws -> Double {
    let old = try worker(store)
    kill(old, SIGKILL)
    return try longestCall(mount) { try worker(store) != old }
  }

  private func pauseOfUpgrade(_ store: ServedStore, _ mount: String) throws -> Double {
    let command = store.command("upgrade")
    let process = try command.start()
    var information = siginfo_t()
    let pause = try longestCall(mount) {
      waitid(P_PID, id_t(process), &information, WEXITED | WNOHANG | WNOWAIT) == 0 && information.si_signo != 0
    }
    guard try Program.wait(for: process, since: nanoseconds()).succeeded else {
      throw Program.Failure("\(command.arguments.joined(separator: " ")) failed")
    }
    return pause
  }

  /// The longest call, in microseconds, of those that ask the worker for something until `isOver`, and one more.
  private func longestCall(_ mount: String, until isOver: () throws -> Bool) throws -> Double {
    var longest = 0.0
    var isLast = false
    repeat {
      if longest > 0 { isLast = try isOver() }
      var statistics = statvfs()
      let time = try microseconds { () throws(Errno) in try retryingInterrupts { statvfs(mount, &statistics) } }
      longest = max(longest, time)
    } while !isLast
    return longest
  }

  private func worker(_ store: ServedStore) throws -> pid_t {
    while true {
      let found = try Program("pgrep", "-f", "--", "tined --store \(store.path) --worker").run().output
      if let process = found.split(separator: "\n").first.flatMap({ pid_t($0) }) { return process }
    }
  }
}
