import FUSE
import Glibc
import MountTestSupport
import SystemIO
import TestSupport
import Testing

/// How a mount begins and ends.
@Suite(.mounts) struct UnmountTests {
  @Test func unmountingEndsIt() throws {
    let server = try ForkServer()
    try server.unmount("prod")
    try server.run("close")
  }

  @Test func unmountingFromOutsideIsNoticed() throws {
    let server = try ForkServer()
    #expect(umount2(server.prod.path, 0) == 0)
    #expect(try server.receive() == "ended prod unmounted")
    try server.run("close")
  }

  @Test func aMountInUseIsNotTakenAway() throws {
    let server = try ForkServer()
    let file = try FileDescriptor(opening: server.prod.path + "/file", flags: O_RDWR | O_CREAT, permissions: 0o640)
    #expect(try server.ask("unmount prod") == "failed busy")
    #expect(pwrite(file.rawValue, "x", 1, 0) == 1)
  }

  @Test func aDetachedMountServesWhoeverUsesIt() throws {
    let server = try ForkServer()
    do {
      let file = try FileDescriptor(opening: server.prod.path + "/file", flags: O_RDWR | O_CREAT, permissions: 0o640)
      try server.run("detach prod")
      #expect(pwrite(file.rawValue, "x", 1, 0) == 1)
      #expect(try server.ask("barrier prod") == "failed \(Errno.busy)")
    }
    #expect(try server.receive() == "ended prod unmounted")
  }

  @Test(arguments: [("/dev/null", "notDirectory"), ("/tmp/there/is/nothing", "missing")])
  func badMountPointsAreNamed(_ path: String, _ reason: String) throws {
    let server = try ForkServer()
    try server.run("make other")
    #expect(try server.ask("mount other \(path)") == "failed \(reason)")
    #expect(try server.ask("mount other \(server.prod.path)") == "failed busy")
  }

  @Test func whatIsUnlinkedAndOpenGoesWithTheMount() throws {
    let server = try ForkServer()
    let before = usedInodes(server)
    do {
      let file = try FileDescriptor(opening: server.prod.path + "/file", flags: O_RDWR | O_CREAT, permissions: 0o640)
      #expect(unlink(server.prod.path + "/file") == 0)
      #expect(pwrite(file.rawValue, "x", 1, 0) == 1)
      try server.run("detach prod")
    }
    #expect(try server.receive() == "ended prod unmounted")
    try server.run("mount prod \(server.prod.path)")
    #expect(usedInodes(server) == before)
  }

  private func usedInodes(_ server: ForkServer) -> UInt {
    var statistics = statvfs()
    #expect(statvfs(server.prod.path, &statistics) == 0)
    return statistics.f_files - statistics.f_ffree
  }
}
