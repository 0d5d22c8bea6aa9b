import Glibc
import MountTestSupport
import SystemIO
import TestSupport
import Testing

/// What a fork of a mounted fork holds, and what it keeps to itself.
@Suite(.mounts) struct ForkTests {
  @Test func changesStayOnTheirSide() throws {
    let server = try ForkServer()
    let prod = server.prod.path
    shell("cd \(prod) && mkdir a && echo one > a/file && ln a/file a/link && ln -s file a/symbolic")
    let fork = try server.mount("fork", of: "prod", as: "agent")
    #expect(shell("cat \(fork)/a/link").output == "one\n")
    shell("echo two > \(fork)/a/file; rm \(prod)/a/symbolic; echo three > \(prod)/new")
    #expect(shell("cat \(prod)/a/link").output == "one\n")
    #expect(shell("cat \(fork)/a/link").output == "two\n")
    #expect(shell("ls \(fork)/a").output == "file\nlink\nsymbolic\n")
    #expect(shell("ls \(fork)").output == "a\n")
  }

  /// Everything a write returned for is in, and so is what was only stored to memory.
  @Test(arguments: ["", "writeback"])
  func aForkHoldsWhatWasDirty(_ mode: String) throws {
    let server = try ForkServer(mode)
    let mapped = try MappedFile(server.prod.path + "/mapped", pages: 500)
    let path = server.prod.path + "/written"
    let written = try FileDescriptor(opening: path, flags: O_RDWR | O_CREAT, permissions: 0o640)
    for round in UInt8(1)...5 {
      mapped.dirty(with: round, every: 2)
      for page in 0..<200 { #expect(pwrite(written.rawValue, [round], 1, page * 8192) == 1) }
      let fork = try server.mount("fork", of: "prod", as: "fork\(round)")
      #expect(try firstBytes(fork + "/mapped", every: 2) == [UInt8](repeating: round, count: 250))
      #expect(try firstBytes(fork + "/written", every: 2) == [UInt8](repeating: round, count: 200))
    }
  }

  @Test func aFileOpenInTheParentAndUnlinkedIsNotInTheFork() throws {
    let server = try ForkServer()
    let file = try FileDescriptor(opening: server.prod.path + "/file", flags: O_RDWR | O_CREAT, permissions: 0o640)
    #expect(unlink(server.prod.path + "/file") == 0)
    let fork = try server.mount("fork", of: "prod", as: "agent")
    #expect(shell("ls -A \(fork)").output == "")
    #expect(pwrite(file.rawValue, "still here", 10, 0) == 10)
  }

  @Test func snapshotsAreMountedReadOnly() throws {
    let server = try ForkServer()
    shell("echo one > \(server.prod.path)/file")
    let snapshot = try server.mount("snapshot", of: "prod", as: "before")
    #expect(open(snapshot + "/file", O_RDWR) == -1 && Errno.last == .readOnlyFileSystem)
    shell("echo two > \(server.prod.path)/file")
    #expect(shell("cat \(snapshot)/file").output == "one\n")
    #expect(shell("findmnt -no FSTYPE,SOURCE \(snapshot)").output.contains("fuse.tine tine:prod@before"))
  }

  @Test func acknowledgedWritesSurviveTheDeathOfTheServer() throws {
    let server = try ForkServer()
    shell("cd \(server.prod.path) && mkdir d && for i in $(seq 200); do echo text $i > d/$i; done")
    shell("cd \(server.prod.path)/d && rm 7 && mv 8 eight")
    try server.restart()
    #expect(shell("cd \(server.prod.path) && ls d | wc -l; cat d/eight d/200").output == "199\ntext 8\ntext 200\n")
  }

  private func firstBytes(_ path: String, every step: Int) throws -> [UInt8] {
    let file = try FileDescriptor(opening: path, flags: O_RDONLY)
    let size = lseek(file.rawValue, 0, SEEK_END)
    return stride(from: 0, to: size, by: 4096 * step).map { offset in
      var byte: UInt8 = 0
      return pread(file.rawValue, &byte, 1, offset) == 1 ? byte : 0
    }
  }
}
