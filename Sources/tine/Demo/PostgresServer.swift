import Control
import Glibc

/// A PostgreSQL server on a data directory, reached through a socket of its own.
struct PostgresServer: Sendable {
  let stage: DemoStage
  let programs: PostgresPrograms
  let data: String
  let port: Int

  /// The directory of the sockets and the servers' logs.
  private var place: String { stage.directory + "/servers" }

  /// Makes the data directory, with checksums.
  func create() throws(Failure) {
    try run("initdb", ["-D", data, "-k", "-A", "trust", "-U", "postgres", "--no-instructions", "--no-sync"])
  }

  /// Starts it and waits until it has recovered and takes connections.
  func start() throws(Failure) {
    let options = "-p \(port) -k \(place) -c listen_addresses= -c log_min_messages=warning"
    try run("pg_ctl", ["-D", data, "-w", "-t", "300", "-s", "-l", "\(place)/\(port).log", "-o", options, "start"])
  }

  /// Stops it in order.
  func stop() throws(Failure) { try run("pg_ctl", ["-D", data, "-w", "-t", "300", "-s", "-m", "fast", "stop"]) }

  /// Answers of a query: one line a row, columns separated by bars.
  @discardableResult
  func query(_ sql: String) throws(Failure) -> [Substring] {
    let output = try run("psql", ["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", sql])
    return output.split(whereSeparator: \.isNewline)
  }

  /// Verifies every heap and index, and that each row is in every index.
  func verifyRelations() throws(Failure) { try run("pg_amcheck", ["--heapallindexed", "-j", "2", "postgres"]) }

  /// Verifies the checksum of every page; the server must have been stopped in order.
  func verifyChecksums() throws(Failure) { try run("pg_checksums", ["--check", "-D", data]) }

  /// Takes away what the server of the origin left in a fork to say that it runs.
  func forgetOrigin() throws(Failure) {
    let path = data + "/postmaster.pid"
    if unlink(path) != 0, errno != ENOENT {
      throw Failure(.failed, "cannot remove \(path): \(String(cString: strerror(errno)))")
    }
  }

  @discardableResult
  func run(_ program: String, _ arguments: [String]) throws(Failure) -> String {
    try stage.run(
      [programs.path(program)] + arguments, in: place, as: programs.user, environment: environment)
  }

  var environment: [(name: String, value: String)] {
    [("PGHOST", place), ("PGPORT", String(port)), ("PGUSER", "postgres"), ("PGDATABASE", "postgres"), ("LC_ALL", "C")]
  }
}
