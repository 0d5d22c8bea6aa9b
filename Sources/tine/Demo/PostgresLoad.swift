import Control
import FoundationEssentials
import Glibc
import Processes
import SystemIO

/// Clients that write, and the log of their commits that the server acknowledged.
///
/// Every transaction of a client inserts the client's next number, so what a fork must hold can be said exactly: of each
/// client, all numbers up to the last one that was acknowledged before the fork was asked for.
struct PostgresLoad {
  private let server: PostgresServer
  private let directory: String
  private let child: Child

  /// pgbench's own transaction (like TPC-B's), with the numbers.
  private static let script = """
    \\set n :n + 1
    \\set aid random(1, 100000 * :scale)
    \\set bid random(1, 1 * :scale)
    \\set tid random(1, 10 * :scale)
    \\set delta random(-5000, 5000)
    BEGIN;
    UPDATE pgbench_accounts SET abalance = abalance + :delta WHERE aid = :aid;
    SELECT abalance FROM pgbench_accounts WHERE aid = :aid;
    UPDATE pgbench_tellers SET tbalance = tbalance + :delta WHERE tid = :tid;
    UPDATE pgbench_branches SET bbalance = bbalance + :delta WHERE bid = :bid;
    INSERT INTO pgbench_history (tid, bid, aid, delta, mtime) VALUES (:tid, :bid, :aid, :delta, CURRENT_TIMESTAMP);
    INSERT INTO acknowledged (client, n) VALUES (:client_id, :n);
    END;

    """

  /// Makes the tables.
  static func prepare(_ server: PostgresServer, scale: Int) throws(Failure) {
    try server.run("pgbench", ["-i", "-q", "-s", String(scale)])
    try server.query("CREATE TABLE acknowledged (client int, n int, PRIMARY KEY (client, n)); CREATE EXTENSION amcheck")
  }

  /// Starts the clients.
  init(_ server: PostgresServer, clients: Int, seconds: Int, scale: Int, directory: String) throws(Failure) {
    self.server = server
    self.directory = directory
    try server.stage.writeFile(directory + "/script.sql", Self.script)
    let arguments = [
      "-n", "-c", String(clients), "-j", "2", "-T", String(seconds), "-f", directory + "/script.sql", "-D", "n=0",
      "-D", "scale=\(scale)", "-l", "--log-prefix=commits",
    ]
    var command = Command(
      [server.programs.path("pgbench")] + arguments,
      environment: Environment.with(server.environment))
    command.directory = Array(directory.utf8)
    command.user = server.programs.user
    do throws(Errno) {
      let silence = try FileDescriptor(opening: "/dev/null", flags: O_RDONLY)
      let output = try FileDescriptor(
        opening: directory + "/pgbench.out", flags: O_WRONLY | O_CREAT | O_TRUNC, permissions: 0o644)
      command.input = silence.rawValue
      command.output = output.rawValue
      command.error = output.rawValue
      do throws(SpawnError) { child = try command.start() } catch { throw error.errno }
    } catch {
      throw Failure(.failed, "cannot start pgbench: \(error)")
    }
  }

  /// Waits until the clients are done.
  func finish() throws(Failure) {
    guard let ending = child.wait(atMost: -1, orReadable: server.stage.interruptions.descriptor) else {
      _ = child.end()
      throw .interrupted
    }
    guard ending == .exited(0) else { throw Failure(.failed, "pgbench ended with \(ending.code): \(try output())") }
  }

  /// What pgbench said in the end.
  func output() throws(Failure) -> String { try read(directory + "/pgbench.out") }

  /// The moments at which each client's commits were acknowledged, in order: the first is that of number 1.
  func acknowledgements() throws(Failure) -> [Int: [Moment]] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
    var moments: [Int: [Moment]] = [:]
    for name in names where name.hasPrefix("commits.") {
      for line in try read("\(directory)/\(name)").split(whereSeparator: \.isNewline) {
        let fields = line.split(separator: " ")
        guard fields.count >= 6, let client = Int(fields[0]), let seconds = UInt64(fields[4]),
          let microseconds = UInt64(fields[5])
        else { throw Failure(.failed, "pgbench's log has the line '\(line)', which cannot be read") }
        let moment = Moment(nanoseconds: seconds * 1_000_000_000 + microseconds * 1000)
        moments[client, default: []].append(moment)
      }
    }
    return moments
  }

  private func read(_ path: String) throws(Failure) -> String {
    do throws(Errno) {
      return String(decoding: try FileDescriptor(opening: path, flags: O_RDONLY).readAll(), as: UTF8.self)
    } catch {
      throw Failure(.failed, "cannot read \(path): \(error)")
    }
  }
}
