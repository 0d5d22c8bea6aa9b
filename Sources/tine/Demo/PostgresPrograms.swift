import Control
import FoundationEssentials
import Glibc
import Processes
import SystemIO

/// The programs of a PostgreSQL that is installed, and the user that they run as.
struct PostgresPrograms: Sendable {
  private let directory: String
  /// The servers' user: PostgreSQL refuses to run as root.
  let user: User?

  /// Looks for a PostgreSQL whose server, contributed tools and pgbench are there: the newest in /usr/lib/postgresql, or
  /// else the one in PATH.
  init() throws(Failure) {
    let needed = ["initdb", "postgres", "pg_ctl", "psql", "pgbench", "pg_amcheck", "pg_checksums"]
    let root = "/usr/lib/postgresql"
    let versions = (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []
    var candidates = versions.sorted { (Int($0) ?? 0) > (Int($1) ?? 0) }.map { "\(root)/\($0)/bin" }
    if let found = Programs.find("postgres") { candidates.append(String(found.dropLast("/postgres".count))) }
    guard let directory = candidates.first(where: { path in needed.allSatisfy { access("\(path)/\($0)", X_OK) == 0 } })
    else {
      throw Failure(
        .notSupported, "the demo needs PostgreSQL with its server, contributed tools and pgbench",
        hint: "on Debian and Ubuntu: apt install postgresql")
    }
    self.directory = directory
    do throws(Errno) {
      let postgres = try User(named: "postgres")
      let nobody = try User(named: "nobody")
      user = geteuid() == 0 ? postgres ?? nobody : nil
    } catch {
      throw Failure(.failed, "cannot read /etc/passwd: \(error)")
    }
  }

  func path(_ name: String) -> String { "\(directory)/\(name)" }

  /// Gives a file or directory to the servers' user.
  func own(_ path: String) throws(Failure) {
    guard let user else { return }
    if chown(path, user.number, user.group) != 0 { throw Failure(.failed, "cannot give \(path) away: \(Errno.last)") }
  }
}
