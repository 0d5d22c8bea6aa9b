import TestSupport
import Testing

/// What README.md and docs/recipes.md tell people to type works as it stands there, with other directories.
@Suite(.enabled(if: TineStore.canMount, "it needs /dev/fuse and root"), .serialized)
struct DocumentTests {
  private let store = TineStore()
  private var place: String { store.directory.path }

  private func expectRun(_ commands: String, sourceLocation: SourceLocation = #_sourceLocation) -> String {
    let result = store.run(commandsOf: commands)
    #expect(result.code == 0, "\(commands)\n\(result.output)", sourceLocation: sourceLocation)
    return result.output
  }

  private func blocks(_ heading: String, of path: String, count: Int) throws -> [String] {
    let blocks = Document(path).commands(below: heading)
    try #require(blocks.count == count, "\(path) has \(blocks.count) blocks below \(heading)")
    return blocks
  }

  @Test func aForkOfADataDirectoryForATest() throws {
    let block = try blocks("A fork of a data directory for a test", of: "README.md", count: 1)[0]
    _ = expectRun("mkdir /srv/app /srv/live /srv/trial; echo one > /srv/app/data")
    _ = expectRun(block)
    #expect(shell("cat '\(place)/live/data'").output == "one\n")
    #expect(expectRun("tine list").contains("prod"))
    #expect(!expectRun("tine list").contains("trial"))
  }

  @Test func manyAttemptsTheBestOneKept() throws {
    let block = try blocks("Many attempts, the best one kept", of: "README.md", count: 1)[0]
    _ = expectRun(
      """
      tine init; mkdir app; tine import prod app
      printf '#!/bin/sh\necho $TINE_ATTEMPT > result' > attempt.sh; printf '#!/bin/sh\ncat result' > score.sh
      chmod +x attempt.sh score.sh
      """)
    _ = expectRun(block)
    let kept = expectRun("tine list").split(separator: "\n").filter { $0.contains("prod") && !$0.hasPrefix("prod ") }
    #expect(kept.count == 1)
    let name = kept.first?.split(separator: " ").first ?? ""
    #expect(shell("cat '\(store.mount(String(name)))/result'").output == "20\n")
  }

  @Test func whatChanged() throws {
    let block = try blocks("What changed", of: "README.md", count: 1)[0]
    _ = expectRun(
      """
      tine init; mkdir app; echo one > app/kept; tine import prod app; tine snapshot prod before
      tine fork prod trial; mkdir prod trial; tine mount prod prod; tine mount trial trial
      echo two > prod/new; echo three > trial/kept
      """)
    let output = expectRun(block)
    for part in ["M kept", "+three", "-one", "\"path\"", "1 added"] {
      #expect(output.contains(part), "\(part)\n\(output)")
    }
  }

  private func asPostgres(_ command: String) -> String {
    let output = expectRun("runuser -u postgres -- psql -X -A -t -h \(place) -p 5432 -c \"\(command)\" postgres")
    return output.split(separator: "\n").joined(separator: " ")
  }

  @Test(.enabled(if: PostgreSQL.isInstalled, "it needs PostgreSQL 15"))
  func aSecondPostgreSQL() throws {
    let blocks = try blocks("PostgreSQL", of: "docs/recipes.md", count: 2)
    let path = "export PATH=\(PostgreSQL.programs):$PATH\n"
    _ = expectRun(
      path + "chmod 777 /srv; runuser -u postgres -- initdb -D /srv/app")
    _ = expectRun(path + blocks[0])
    defer { _ = expectRun(path + "runuser -u postgres -- pg_ctl -D /srv/live -m fast -w stop") }
    _ = asPostgres("CREATE TABLE orders AS SELECT generate_series(1, 100) AS id")
    #expect(expectRun(path + blocks[1]).contains("DELETE 100"))
    #expect(asPostgres("SELECT count(*) FROM orders") == "100")
    // It may be repeated, and the line that removes the lock file is needed.
    let without = blocks[1].split(separator: "\n").filter { !$0.hasPrefix("rm ") }.joined(separator: "\n")
    #expect(store.run(commandsOf: path + without).code != 0)
    #expect(shell("grep -F 'lock file \"postmaster.pid\" already exists' '\(place)/trial/server.log'").code == 0)
    #expect(asPostgres("INSERT INTO orders VALUES(101) RETURNING id").hasPrefix("101"), "the first server goes on")
    _ = expectRun("tine unmount trial && tine drop trial")
    #expect(expectRun(path + blocks[1]).contains("DELETE 101"))
  }

  @Test(.enabled(if: shell("which redis-server redis-cli").code == 0, "it needs Redis"))
  func aSecondRedis() throws {
    let blocks = try blocks("Redis", of: "docs/recipes.md", count: 2)
    _ = expectRun("mkdir /srv/app")
    _ = expectRun(blocks[0])
    defer {
      _ = expectRun("redis-cli -s /srv/live.sock shutdown; while [ -e /srv/live/redis.pid ]; do sleep 0.1; done")
    }
    _ = expectRun("until redis-cli -s /srv/live.sock ping | grep PONG; do sleep 0.1; done")
    for round in 1...2 {
      _ = expectRun("redis-cli -s /srv/live.sock set key \(round)")
      let found = "redis-cli -s /tmp/trial.sock get key\n"
      let block = blocks[1].replacing(
        "redis-cli -s /tmp/trial.sock flushall", with: found + "redis-cli -s /tmp/trial.sock flushall")
      #expect(expectRun(block).contains("\n\(round)\n"))
      #expect(expectRun("redis-cli -s /srv/live.sock get key") == "\(round)\n")
    }
  }

  @Test(.enabled(if: MariaDBServer.isInstalled, "it needs MariaDB"))
  func aSecondMariaDB() throws {
    let blocks = try blocks("MariaDB", of: "docs/recipes.md", count: 2)
    MariaDBServer.install(in: "\(place)/app")
    _ = expectRun("chmod 777 /srv")
    _ = expectRun(blocks[0])
    let first = "mariadb --no-defaults -S \(place)/live.sock -u root -N"
    defer {
      _ = expectRun(
        "mariadb-admin --no-defaults -S /srv/live.sock -u root shutdown; while [ -e /srv/live/server.pid ]; do sleep 0.1; done"
      )
    }
    _ = expectRun(
      "\(first) -e 'create database shop; create table shop.orders select seq from mysql.seq_1_to_100' mysql")
    for _ in 1...2 {
      _ = expectRun(blocks[1])
      #expect(expectRun("\(first) -e 'select count(*) from orders' shop") == "100\n")
    }
  }
}
