import Control
import Processes

/// The story of Tine on a small shop's database: a hundred migrations tried at once, each in a fork of its own.
struct SQLiteDemo {
  let stage: DemoStage
  let attempts: Int
  private let narrator = Narrator()

  func run() throws(Failure) {
    try narrator.title("A shop's database, in SQLite")
    let data = try makeShop()
    let (report, seconds) = try timed { () throws(Failure) in
      try stage.engine.importDirectory(ImportRequest(name: "shop", directory: BytePath(data))) { _ in
        !stage.interruptions.arePending
      }
    }
    try narrator.step(
      "imported as the fork 'shop': \(Units.bytes(report.bytes))", Units.duration(seconds: seconds))
    let mount = try stage.makeDirectory("shop")
    _ = try stage.engine.mount(MountRequest(reference: "shop", directory: BytePath(mount)))
    let before = try state(of: mount)
    try narrator.step("mounted, and SQLite finds it in order", "\(Units.grouped(before.orders)) orders")
    // What is written from here on begins in segments of its own, so that all of it can go in the end.
    _ = try stage.engine.collectGarbage { _ in !stage.interruptions.arePending }
    let ranking = try tryMigrations()
    try showBest(ranking)
    try proveUntouched(mount, before)
    try cleanUp(ranking)
  }

  // MARK: Steps

  private func makeShop() throws(Failure) -> String {
    let data = try stage.makeDirectory("data")
    try stage.writeFile(data + "/schema.sql", ShopScripts.schema)
    try stage.writeFile(data + "/workload.sql", ShopScripts.workload)
    try stage.writeFile(data + "/migrate.sh", ShopScripts.migrate)
    try stage.writeFile(data + "/steps.sh", ShopScripts.steps)
    try stage.writeFile(data + "/score.sh", ShopScripts.score)
    try stage.writeFile(data + "/setup.sh", ShopScripts.setUp)
    let (_, seconds) = try timed { () throws(Failure) in try stage.run(["sh", "setup.sh"], in: data) }
    try narrator.step("made it with the sqlite3 program", Units.duration(seconds: seconds))
    return data
  }

  private func tryMigrations() throws(Failure) -> [RankedAttempt] {
    try narrator.title("\(attempts) migrations, each in a fork of its own")
    let plan = SamplePlan(
      origin: "shop", name: "try", attempts: attempts, jobs: 4, shownAt: nil,
      program: try Program(starting: Array("sh".utf8), shownAt: nil),
      arguments: [Array("sh".utf8), Array("migrate.sh".utf8)],
      score: try ScoreCommand(Array("sh score.sh".utf8), shownAt: nil), keepBest: 1, logs: nil)
    let session = SampleSession(plan, engine: stage.engine, store: stage.store, interruptions: stage.interruptions)
    let (ranking, seconds) = try timed { () throws(Failure) in try session.run() }
    let each = Units.duration(seconds: seconds / Double(attempts))
    try narrator.step(
      "forked, mounted, migrated, scored, compared, unmounted",
      "\(each) each, \(Units.duration(seconds: seconds)) in all")
    try show(ranking)
    return ranking
  }

  private func show(_ ranking: [RankedAttempt]) throws(Failure) {
    var table = Table(
      .right("rank"), .left("fork"), .right("score"), .right("time"), .right("changed"), .left("migration"))
    for attempt in ranking.prefix(10) {
      table.add(
        String(attempt.rank), attempt.name, attempt.score.map(Units.score) ?? "–",
        Units.duration(seconds: attempt.seconds), Units.bytes(attempt.bytes), attempt.lastLine.text,
        emphasis: attempt.kept ? .strong : .none)
    }
    try Console.print("")
    for line in table.lines(Style(enabled: Console.outputIsTerminal)) { try narrator.line(line) }
    let rest = ranking.count - min(10, ranking.count)
    let failed = ranking.filter { $0.exitCode != 0 }
    let reason = failed.first.map { ", of which \(failed.count) failed: \($0.lastLine.quoted)" } ?? ""
    if rest > 0 { try narrator.line("… and \(rest) more\(reason)") }
    try narrator.line("(the score is how many times less work a day's queries are, less 1 % for each 100 KiB of index)")
  }

  private func showBest(_ ranking: [RankedAttempt]) throws(Failure) {
    guard let best = ranking.first, best.exitCode == 0 else { throw Failure(.failed, "no migration succeeded") }
    try narrator.title("What the best one, \(best.name), changed")
    let (changes, seconds) = try timed { () throws(Failure) in
      try stage.engine.diff(DiffRequest(old: "shop", new: best.name))
    }
    for change in changes.prefix(5) {
      let line = change.line
      try narrator.line(line.count > 100 ? String(line.prefix(99)) + "…" : line)
    }
    try narrator.step("compared with 'shop'", Units.duration(seconds: seconds))
  }

  private func proveUntouched(_ mount: String, _ before: ShopState) throws(Failure) {
    try narrator.title("And the origin?")
    guard try state(of: mount) == before else { throw Failure(.damaged, "the origin has changed") }
    try narrator.step("the same bytes, in order as before", "sha256 \(before.digest.prefix(16))…")
    let report = try stage.engine.check { _ in !stage.interruptions.arePending }
    guard report.problems.isEmpty else {
      throw Failure(.damaged, "the store is damaged: \(report.problems[0].message)")
    }
    try narrator.step("the store checks out", "\(Units.grouped(report.blocks)) blocks verified")
  }

  private func cleanUp(_ ranking: [RankedAttempt]) throws(Failure) {
    let copies = UInt64(attempts) * (try stage.diskUse(of: stage.directory + "/data"))
    let used = try stage.diskUse(of: stage.store)
    for attempt in ranking where attempt.kept { try stage.engine.drop(attempt.name) }
    let report = try stage.engine.collectGarbage { _ in !stage.interruptions.arePending }
    try narrator.step(
      "dropped the rest and collected: \(Units.bytes(report.freedBytes)) came back",
      "\(Units.bytes(used)) on disk; copies would take \(Units.bytes(copies))")
    let mounts = try stage.engine.mounts()
    let heads = try stage.engine.heads()
    guard mounts.count == 1, heads.count == 1 else { throw Failure(.failed, "something was left behind") }
    try narrator.step("no fork, mount or process is left behind")
    try Console.print("")
  }

  // MARK: State

  private struct ShopState: Equatable {
    let digest: String
    let orders: UInt64
  }

  /// What the database holds, as SQLite and sha256sum see it.
  private func state(of mount: String) throws(Failure) -> ShopState {
    let check = try stage.run(
      ["sqlite3", "-readonly", "shop.db", "PRAGMA integrity_check; SELECT count(*) FROM orders"], in: mount)
    let lines = check.split(whereSeparator: \.isNewline)
    guard lines.count == 2, lines[0] == "ok", let orders = UInt64(lines[1]) else {
      throw Failure(.damaged, "the database is not in order: \(check)")
    }
    return ShopState(digest: try stage.run(["sha256sum", "shop.db"], in: mount), orders: orders)
  }
}
