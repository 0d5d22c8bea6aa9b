import Control
import Glibc
import Processes
import SystemIO

/// A PostgreSQL server that runs on a mount and is forked while clients write to it; each fork runs as a server of its own
/// and must hold every commit that was acknowledged before it was taken.
struct PostgresDemo {
  let stage: DemoStage
  let programs: PostgresPrograms
  let forks: Int
  let seconds: Int
  let scale: Int
  let clients: Int
  private let narrator = Narrator()

  init(stage: DemoStage, forks: Int, seconds: Int, scale: Int, clients: Int) throws(Failure) {
    self.stage = stage
    self.forks = forks
    self.seconds = seconds
    self.scale = scale
    self.clients = clients
    programs = try PostgresPrograms()
  }

  func run() throws(Failure) {
    try stage.openForOthers()
    try programs.own(try stage.makeDirectory("servers"))
    try programs.own(try stage.makeDirectory("load"))
    try narrator.title("A PostgreSQL server")
    let origin = try makeOrigin()
    try narrator.title("\(forks) forks under load: pgbench -c \(clients), \(Units.duration(seconds: Double(seconds)))")
    let load = try PostgresLoad(
      origin, clients: clients, seconds: seconds, scale: scale, directory: stage.directory + "/load")
    let verification = Verification(stage: stage, programs: programs)
    try takeForks(verification)
    try load.finish()
    let summary = try load.output().split(whereSeparator: \.isNewline).first { $0.hasPrefix("tps") } ?? ""
    try narrator.step("the load is done", String(summary.prefix { $0 != "(" }))
    let proven = try verification.finish()
    // Until then much of what was written is in the server's memory and log only.
    try origin.query("CHECKPOINT")
    try report(proven, load)
    try verifyIsolation(origin, proven)
    try cleanUp(origin)
  }

  // MARK: Steps

  /// Makes a database on the host's file system, imports it, and serves it from a mount.
  private func makeOrigin() throws(Failure) -> PostgresServer {
    let data = try stage.makeDirectory("data", permissions: 0o700)
    try programs.own(data)
    let native = PostgresServer(stage: stage, programs: programs, data: data, port: 54_319)
    let (_, making) = try timed { () throws(Failure) in
      try native.create()
      try native.start()
      try PostgresLoad.prepare(native, scale: scale)
      try native.stop()
    }
    try narrator.step("initdb with checksums, pgbench -i -s \(scale)", Units.duration(seconds: making))
    let (report, importing) = try timed { () throws(Failure) in
      try withProgress(stage.interruptions) { (progress) throws(Failure) in
        try stage.engine.importDirectory(ImportRequest(name: "pg", directory: BytePath(data)), progress: progress)
      }
    }
    try narrator.step("imported as the fork 'pg': \(Units.bytes(report.bytes))", Units.duration(seconds: importing))
    let mount = try stage.makeDirectory("pg")
    _ = try stage.engine.mount(MountRequest(reference: "pg", directory: BytePath(mount)))
    let server = PostgresServer(stage: stage, programs: programs, data: mount, port: 54_320)
    try server.start()
    try narrator.step("mounted, and served from the mount")
    return server
  }

  /// Takes the forks at random moments of the load, and hands each over to be verified.
  private func takeForks(_ verification: Verification) throws(Failure) {
    let started = Moment.now
    let moments = (0..<forks).map { _ in Double.random(in: 0.05...0.9) * Double(seconds) }.sorted()
    for (index, moment) in moments.enumerated() {
      let left = moment - Moment.now.seconds(since: started)
      if left > 0 { stage.interruptions.wait(atMost: Int32(left * 1000)) }
      try stage.interruptions.check()
      let fork = try PostgresFork(index + 1, of: "pg", engine: stage.engine)
      try narrator.step(
        "\(Units.duration(seconds: fork.asked.seconds(since: started))) in: took \(fork.name)",
        Units.duration(seconds: fork.seconds))
      try verification.add(fork)
    }
  }

  private func report(_ proven: [Verification.Proof], _ load: PostgresLoad) throws(Failure) {
    let acknowledgements = try load.acknowledgements()
    var table = Table(
      .left("fork"), .right("fork took"), .right("recovery"), .right("acknowledged"), .right("held"),
      .left("amcheck"), .left("checksums"), .right("files that differ"), .right("pages"))
    for (fork, evidence) in proven {
      let acknowledged = try fork.compare(evidence, with: acknowledgements)
      let changes = try fork.changes(of: "pg", stage.engine)
      let pages = changes.reduce(0) { $0 + $1.pages.reduce(0) { $0 + $1.count } }
      table.add(
        fork.name, Units.duration(seconds: fork.seconds), Units.duration(seconds: evidence.recovery),
        Units.grouped(UInt64(acknowledged)), Units.grouped(UInt64(evidence.held.values.reduce(0) { $0 + $1.count })),
        "ok", "ok", Units.grouped(UInt64(changes.count)), Units.grouped(pages))
    }
    try narrator.title("Each fork ran as a server of its own")
    for line in table.lines(Style(enabled: Console.outputIsTerminal)) { try narrator.line(line) }
    try narrator.line("(acknowledged: commits that a client had been told of before the fork was asked for)")
    if let last = proven.last { try showDiff(last.fork) }
  }

  private func showDiff(_ fork: PostgresFork) throws(Failure) {
    try narrator.title("What the origin did after \(fork.name) was taken, by 'tine diff'")
    let (changes, seconds) = try timed { () throws(Failure) in try fork.changes(of: "pg", stage.engine) }
    let relations = changes.filter { $0.path.text.hasPrefix("base/") && !$0.pages.isEmpty }
    for change in relations.prefix(6) {
      let line = change.line
      try narrator.line(line.count > 100 ? String(line.prefix(99)) + "…" : line)
    }
    try narrator.step(ChangeSummary(changes).line, Units.duration(seconds: seconds))
  }

  private func verifyIsolation(_ origin: PostgresServer, _ proven: [Verification.Proof]) throws(Failure) {
    try narrator.title("Isolation")
    guard try origin.query("SELECT tablename FROM pg_tables WHERE tablename LIKE 'written_in_%'").isEmpty else {
      throw Failure(.damaged, "the origin shows what was written to a fork")
    }
    try narrator.step("the origin shows nothing of what was written to its forks")
    if let first = proven.first { try first.fork.verifyAgain(first.evidence, stage, programs) }
    try narrator.step("a fork shows what was written to it, and nothing else")
    try origin.verifyRelations()
    try origin.stop()
    try origin.verifyChecksums()
    try narrator.step("the origin passes pg_amcheck, and pg_checksums after a clean stop")
  }

  private func cleanUp(_ origin: PostgresServer) throws(Failure) {
    try stage.engine.unmount(UnmountRequest(directory: BytePath(origin.data)))
    let before = try stage.diskUse(of: stage.store)
    let heads = try stage.engine.heads().filter { $0.name != "pg" }
    for head in heads where head.kind == .snapshot { try stage.engine.drop(head.name) }
    for head in heads where head.kind == .fork { try stage.engine.drop(head.name) }
    _ = try stage.engine.collectGarbage { _ in !stage.interruptions.arePending }
    let after = try stage.diskUse(of: stage.store)
    try narrator.step("dropped the forks and collected", "\(Units.bytes(before)) → \(Units.bytes(after))")
    let check = try stage.engine.check { _ in !stage.interruptions.arePending }
    guard check.problems.isEmpty else { throw Failure(.damaged, "the store is damaged: \(check.problems[0].message)") }
    try narrator.step("the store checks out", "\(Units.grouped(check.blocks)) blocks verified")
    try Console.print("")
  }
}

/// Verifies forks one after the other, on a thread of its own, while more are taken.
final class Verification: Sendable {
  typealias Proof = (fork: PostgresFork, evidence: PostgresFork.Evidence)

  private struct State {
    var waiting: [PostgresFork] = []
    var isComplete = false
    var isDone = false
    var proven: [Proof] = []
    var failure: Failure?
  }

  private let stage: DemoStage
  private let programs: PostgresPrograms
  private let state = Monitor(State())

  init(stage: DemoStage, programs: PostgresPrograms) {
    self.stage = stage
    self.programs = programs
  }

  /// Takes a fork over; fails where an earlier one has failed.
  func add(_ fork: PostgresFork) throws(Failure) {
    let isFirst = try state.notifyAll { state -> Result<Bool, Failure> in
      if let failure = state.failure { return .failure(failure) }
      state.waiting.append(fork)
      return .success(fork.number == 1)
    }.get()
    if isFirst { try start() }
  }

  /// Waits until every fork is verified.
  func finish() throws(Failure) -> [Proof] {
    state.notifyAll { $0.isComplete = true }
    let (proven, failure) = state.wait { $0.isDone ? ($0.proven, $0.failure) : nil }
    if let failure { throw failure }
    return proven
  }

  private func start() throws(Failure) {
    do throws(Errno) {
      try Worker { self.work() }.detach()
    } catch {
      throw Failure(.failed, "cannot start a thread: \(error)")
    }
  }

  private func work() {
    while let fork = next() {
      do throws(Failure) {
        let evidence = try fork.verify(stage, programs)
        state.withLock { $0.proven.append((fork, evidence)) }
      } catch {
        state.withLock { $0.failure = error }
        break
      }
    }
    state.notifyAll { $0.isDone = true }
  }

  /// The next fork to verify; nil when all are done.
  private func next() -> PostgresFork? {
    state.wait { state -> PostgresFork?? in
      if !state.waiting.isEmpty { return .some(state.waiting.removeFirst()) }
      return state.isComplete ? .some(nil) : nil
    }
  }
}
