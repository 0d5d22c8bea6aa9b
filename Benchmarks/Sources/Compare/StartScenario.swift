import Workloads

/// How long the command takes to start and end.
struct StartScenario: Scenario {
  let name = "start"
  let summary = "'tine version' from exec to exit"

  func run(_ bench: Bench) throws -> [Figure] {
    let version = Program(try bench.tine(), "version")
    let nothing = Program("true")
    var (own, peer) = (Samples(), Samples())
    for _ in 0..<(bench.quick ? 20 : 200) {
      own.add(try version.time() / 1000)
      peer.add(try nothing.time() / 1000)
    }
    return [Figure("start: tine version", own.median, "ms", peer: "true", peer.median, target: .atMost(3))]
  }
}
