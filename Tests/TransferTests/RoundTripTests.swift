import FileSystem
import Glibc
import Store
import SystemIO
import TestSupport
import Testing

@testable import Transfer

@Suite struct RoundTripTests {
  @Test(.enabled(if: Need.lists, "needs acl and attr"))
  func whatIsImportedIsExportedTheSame() throws {
    let stage = try TransferStage()
    stage.make(
      "source",
      """
      mkdir -p a/b/c empty; echo hello > a/hello; ln a/hello a/b/again; ln -s ../hello a/b/link; ln -s "$(printf 'x%.0s' $(seq 2000))" long
      head -c 3000000 /dev/urandom > a/random; head -c 5000000 /dev/zero > a/zeros; truncate -s 20M a/sparse
      echo end | dd of=a/sparse bs=1 seek=15000001 conv=notrunc 2>/dev/null; : > a/nothing; head -c 4096 /dev/urandom > a/page
      mkfifo a/fifo; ln a/fifo a/b/fifo; chmod 4755 a/page; chmod 700 empty; touch -d '1969-07-20 20:17:40.123456789' a/hello
      touch "$(printf 'name\\377\\nwith bytes')"; for i in $(seq 300); do echo $i > a/b/c/file$i; done
      touch "$(printf 'n%.0s' $(seq 255))"; touch -hd '1901-12-14 01:02:03.4' a/b/link
      touch -d '2001-02-03' a/b/c empty; touch -d '2262-01-01 00:00:00.999999999' a
      """)
    let imported = try stage.importSource()
    #expect(imported.entries > 300)
    let report = try stage.export()
    #expect(report.leftOut == [])
    #expect(report.total.entries == imported.entries)
    #expect(stage.fingerprint("target").difference(from: stage.fingerprint("source")).map { "\($0)" } == [])
    let space = shell("du -ks '\(stage.path("target"))' | cut -f 1").output
    #expect(Int(space.dropLast()) ?? .max < 20000, "holes are holes")
    try stage.finish()
  }

  /// Access control lists were left out, and what a list denied to its owning group was then allowed.
  @Test(.enabled(if: Need.lists, "needs acl and attr"))
  func attributesAndListsGoBothWays() throws {
    let stage = try TransferStage()
    stage.make(
      "source",
      """
      mkdir d; echo 1 > plain; cp plain d/listed; cp plain d/plain; setfacl -m u:5:rw,g:6:r,g::- d/listed
      setfattr -n user.name -v value plain; setfattr -n user.long -v "$(printf 'x%.0s' $(seq 3000))" d
      setfacl -d -m u:7:rwx d; setfacl -m u:8:rwx .; chmod 400 plain; chmod 2770 d
      """)
    try stage.importSource()
    try stage.export()
    #expect(stage.fingerprint("target") == stage.fingerprint("source"))
    try stage.finish()
  }

  @Test(.enabled(if: Need.root, "needs root"))
  func devicesAndSocketsGoBothWays() throws {
    let stage = try TransferStage()
    stage.make(
      "source",
      "mknod null c 1 3; mknod -m 600 disk b 8 1; mkdir d; mknod d/pipe p; chown 5:6 d/pipe; chmod 6711 d/pipe")
    let listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(listener) }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let path = stage.path("source/socket")
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    let bound = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(listener, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    #expect(bound == 0)
    try stage.importSource()
    #expect(try stage.export().leftOut == [])
    #expect(stage.fingerprint("target") == stage.fingerprint("source"))
    #expect(stage.fingerprint("target").contains { $0.contains("/socket s ") })
    try stage.finish()
  }

  /// A list changes the mode, a mode may forbid what follows, and a change of owner takes rights away.
  @Test(.enabled(if: Need.root && Need.lists, "needs root, acl and attr"))
  func theOrderOfOwnersRightsAndTimesIsRight() throws {
    let stage = try TransferStage()
    stage.make(
      "source",
      """
      for i in a b c d; do echo $i > $i; done; chown 7:8 a b c d
      chmod 6755 a; setfattr -n user.x -v y a; setfacl -m u:9:r a; chmod 7755 a
      setfattr -n security.capability -v 0x0100000200040000000000000000000000000000 b
      chmod 000 c; setfattr -n trusted.x -v y c; mkdir -m 000 closed; chown 9:9 closed
      ln -s a link; chown -h 11:12 link; setfattr -hn trusted.y -v z link; touch -hd 1999-09-09 link a b c closed
      """)
    try stage.importSource()
    #expect(try stage.export().leftOut == [])
    #expect(stage.fingerprint("target") == stage.fingerprint("source"))
    try stage.finish()
  }

  @Test func sizesBeyondFourGigabytesAreKept() throws {
    let stage = try TransferStage()
    stage.make(
      "source", "echo begin > huge; truncate -s 5G huge; echo end >> huge; truncate -s 6G huge; truncate -s 7T hole")
    try stage.importSource()
    try stage.export()
    let content = "stat -c %s huge hole; du -k huge hole; tail -c +5368709120 huge | head -c 5"
    #expect(shell("cd '\(stage.path("target"))'; \(content)") == shell("cd '\(stage.path("source"))'; \(content)"))
    try stage.finish()
  }

  @Test func accessTimesAreKept() throws {
    let stage = try TransferStage()
    stage.make("source", "echo a > a; touch -ad '2030-01-02 03:04:05.678901234' a")
    try stage.importSource()
    try stage.export()
    #expect(shell("stat -c %x '\(stage.path("target/a"))'").output.hasPrefix("2030-01-02 03:04:05.678901234"))
    try stage.finish()
  }

  /// The umask was the daemon's, which was that of whoever had happened to start it.
  @Test(arguments: [0o077, 0o777, 0] as [mode_t])
  func theMaskOfTheProcessChangesNothing(mask: mode_t) throws {
    let stage = try TransferStage()
    stage.make("source", "mkdir -m 751 d; echo a > d/a; chmod 666 d/a; mkfifo -m 622 d/fifo; chmod 777 .")
    try stage.importSource()
    let before = umask(mask)
    defer { umask(before) }
    try stage.export()
    umask(before)
    let modes = shell("cd '\(stage.path("target"))' && stat -c %a . d d/a d/fifo").output
    #expect(modes.split(separator: "\n") == ["777", "751", "666", "622"])
    try stage.finish()
  }

  @Test func aCanceledImportLeavesNothing() throws {
    let stage = try TransferStage()
    stage.make("source", "for i in $(seq 100); do echo $i > $i; done")
    let canceled = failure { try stage.importSource { $0.entries < 20 } }
    #expect(canceled?.isCancellation == true)
    #expect(stage.store.heads().isEmpty)
    try stage.importSource()
    #expect(stage.store.heads().map(\.name) == ["prod"])
    try stage.finish()
  }
}
