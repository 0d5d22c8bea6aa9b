import Control
import Glibc

/// One fork of the running server's data, and the proof that it is whole.
struct PostgresFork: Sendable {
  let number: Int
  let name: String
  /// When it was asked for, and how long the answer took.
  let asked: Moment
  let seconds: Double

  struct Evidence: Sendable {
    /// From the start of its server to the first connection.
    let recovery: Double
    /// The numbers of each client that the fork holds: how many, and the highest.
    let held: [Int: (count: Int, highest: Int)]
  }

  /// Takes a fork of `origin`, and a snapshot of it that stays as it was.
  init(_ number: Int, of origin: String, engine: RemoteEngine) throws(Failure) {
    self.number = number
    name = "\(origin)-\(number)"
    asked = .now
    let request = ForkRequest(source: origin, name: name)
    (_, seconds) = try timed { () throws(Failure) in try engine.fork(request) }
    _ = try engine.snapshot(SnapshotRequest(fork: name, name: "taken"))
  }

  /// Runs a server of its own on the fork and has PostgreSQL verify everything in it.
  func verify(_ stage: DemoStage, _ programs: PostgresPrograms) throws(Failure) -> Evidence {
    let server = try mount(stage, programs)
    let (_, recovery) = try timed { () throws(Failure) in try server.start() }
    let held = try held(server)
    try server.verifyRelations()
    guard try server.query("SELECT tablename FROM pg_tables WHERE tablename LIKE 'written_in_%'").isEmpty else {
      throw Failure(.damaged, "\(name) shows what was written to another fork")
    }
    try server.query("CREATE TABLE written_in_\(number) AS SELECT * FROM acknowledged")
    try server.stop()
    try server.verifyChecksums()
    try stage.engine.unmount(UnmountRequest(directory: BytePath(server.data)))
    return Evidence(recovery: recovery, held: held)
  }

  /// What the origin did since it was taken.
  func changes(of origin: String, _ engine: RemoteEngine) throws(Failure) -> [Change] {
    try engine.diff(DiffRequest(old: name + "@taken", new: origin))
  }

  /// Looks again, when everything else has been written to: the fork holds what it held, and what was written to it.
  func verifyAgain(_ evidence: Evidence, _ stage: DemoStage, _ programs: PostgresPrograms) throws(Failure) {
    let server = try mount(stage, programs)
    try server.start()
    let tables = try server.query("SELECT tablename FROM pg_tables WHERE tablename LIKE 'written_in_%'")
    guard tables == ["written_in_\(number)"] else {
      throw Failure(.damaged, "\(name) shows what was written to another fork: \(tables.joined(separator: ", "))")
    }
    let held = try held(server)
    guard held.keys == evidence.held.keys, held.allSatisfy({ $1 == evidence.held[$0] ?? (0, 0) }) else {
      throw Failure(.damaged, "\(name) has changed by itself")
    }
    try server.stop()
    try stage.engine.unmount(UnmountRequest(directory: BytePath(server.data)))
  }

  /// Checks that it holds every commit that was acknowledged before it was asked for; returns how many those are.
  func compare(_ evidence: Evidence, with acknowledgements: [Int: [Moment]]) throws(Failure) -> Int {
    var total = 0
    for (client, moments) in acknowledgements {
      let expected = moments.count { $0 < asked }
      let (count, highest) = evidence.held[client] ?? (0, 0)
      // Numbers are dense, so a gap shows as a count below the highest number.
      guard highest >= expected, count == highest else {
        throw Failure(
          .damaged,
          "\(name) lacks commits of client \(client): \(expected) were acknowledged, it holds \(count) up to \(highest)"
        )
      }
      total += expected
    }
    return total
  }

  private func mount(_ stage: DemoStage, _ programs: PostgresPrograms) throws(Failure) -> PostgresServer {
    let directory = "\(stage.directory)/\(name)"
    _ = try stage.engine.mount(
      MountRequest(reference: name, directory: BytePath(directory), makesDirectory: true))
    let server = PostgresServer(stage: stage, programs: programs, data: directory, port: 54_320 + number)
    try server.forgetOrigin()
    return server
  }

  private func held(_ server: PostgresServer) throws(Failure) -> [Int: (count: Int, highest: Int)] {
    var held: [Int: (count: Int, highest: Int)] = [:]
    for row in try server.query("SELECT client, count(*), max(n) FROM acknowledged GROUP BY client") {
      let columns = row.split(separator: "|").compactMap { Int($0) }
      guard columns.count == 3 else { throw Failure(.failed, "psql printed '\(row)'") }
      held[columns[0]] = (columns[1], columns[2])
    }
    return held
  }
}
