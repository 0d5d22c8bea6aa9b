import TestSupport
import Testing

/// A MariaDB server on a data directory, as it is set up where it matters: InnoDB writes past the page cache, with its
/// doublewrite buffer, and flushes its log at each commit. Its memory is small, so that it writes pages all the time.
final class MariaDBServer {
  static let isInstalled = shell("which mariadbd mariadb mariadb-admin mariadb-install-db innochecksum").code == 0

  private static let options = [
    "--skip-networking", "--innodb-flush-method=O_DIRECT", "--innodb-doublewrite=ON",
    "--innodb-flush-log-at-trx-commit=1", "--innodb-buffer-pool-size=8M", "--innodb-log-file-size=16M",
    "--innodb-max-dirty-pages-pct=10", "--innodb-io-capacity=2000",
  ].joined(separator: " ")

  private let data: String
  private let socket: String
  private let process: BackgroundProcess

  /// Makes an empty data directory that belongs to the server's user.
  static func install(in data: String) {
    let installed = shell(
      """
      mkdir '\(data)' && mariadb-install-db --no-defaults --datadir='\(data)' --user=mysql --skip-test-db \
        --auth-root-authentication-method=normal --innodb-log-file-size=16M && chown -R mysql:mysql '\(data)'
      """)
    #expect(installed.code == 0, "\(installed.output)")
  }

  /// Starts the server, and waits until it has recovered and answers. `files` is a directory of the host for its socket
  /// and log, in which its user may make files.
  init(_ data: String, files: String) {
    self.data = data
    let prefix = "\(files)/" + data.split(separator: "/").suffix(1).joined()
    socket = prefix + ".sock"
    process = BackgroundProcess(
      """
      exec setpriv --reuid mysql --regid mysql --clear-groups mariadbd --no-defaults --datadir=\(data) \
        --socket=\(socket) --pid-file=\(prefix).pid --log-error=\(prefix).log \(Self.options)
      """)
    let ready = shell(
      "timeout 60 sh -c 'until mariadb-admin --no-defaults -S \(socket) -u root ping; do sleep 0.05; done'")
    #expect(ready.code == 0, "the server in \(data) does not answer: \(shell("tail -n 30 '\(prefix).log'").output)")
  }

  func query(_ statement: String, in database: String = "shop") -> String {
    shell("mariadb --no-defaults -S \(socket) -u root --batch --skip-column-names -e \"\(statement)\" \(database)")
      .output
      .split(separator: "\n").joined(separator: " ")
  }

  /// What makes one statement after the other for the client that a load is.
  func startClient(_ statements: String, log: String) -> BackgroundProcess {
    BackgroundProcess(
      """
      \(statements) | mariadb --no-defaults -S \(socket) -u root --batch --skip-column-names --unbuffered \
        --skip-reconnect shop > \(log)
      """)
  }

  /// Has InnoDB read all pages of a table.
  func expectSound(_ tables: [String]) {
    for table in tables {
      #expect(query("CHECK TABLE \(table) EXTENDED") == "shop.\(table)\tcheck\tstatus\tOK")
    }
  }

  /// Shuts the server down, and verifies the checksum of every page of every file, but for the doublewrite buffer in
  /// `ibdata1`: what is left there are pages of any file.
  func shutDown() {
    let stopped = shell("mariadb-admin --no-defaults -S \(socket) -u root shutdown")
    #expect(stopped.code == 0, "\(stopped.output)")
    process.wait()
    let verified = shell(
      """
      cd '\(data)' && innochecksum --end-page=63 ibdata1 && innochecksum --start-page=192 ibdata1 &&
        for file in */*.ibd; do innochecksum $file || { echo $file; exit 1; }; done
      """)
    #expect(verified.code == 0, "\(verified.output)")
  }

  /// Kills the server as a crash would.
  func kill() { process.end() }
}
