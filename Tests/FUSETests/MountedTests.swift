import FUSE
import Glibc
import MountTestSupport
import SystemIO
import Testing

/// A session on a mount of the real kernel.
@Suite(.mounts) struct MountedTests {
  @Test func theKernelGrantsWhatCachingNeeds() throws {
    let flags = InitFlags(rawValue: try MountServer().flags)
    #expect(flags.isSuperset(of: [.handlesPrivileges, .explicitInvalidation, .maximumPages, .noOpendir]))
  }

  @Test func filesCanBeUsed() throws {
    let server = try MountServer()
    let directory = server.path + "/directory"
    #expect(mkdir(directory, 0o755) == 0)
    let file = try FileDescriptor(opening: directory + "/file", flags: O_RDWR | O_CREAT | O_EXCL, permissions: 0o640)
    let content = (0..<1_500_000).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 8) }
    #expect(pwrite(file.rawValue, content, content.count, 0) == content.count)
    #expect(fsync(file.rawValue) == 0)
    #expect(posix_fadvise(file.rawValue, 0, 0, POSIX_FADV_DONTNEED) == 0)
    var back = [UInt8](repeating: 0, count: content.count + 1)
    #expect(pread(file.rawValue, &back, back.count, 0) == content.count)
    #expect(back.dropLast() == content[...])
    #expect(ftruncate(file.rawValue, 10) == 0)
    #expect(pread(file.rawValue, &back, back.count, 0) == 10)
    #expect(symlink("target", directory + "/link") == 0)
    #expect(try names(in: directory) == [".", "..", "file", "link"])
    #expect(unlink(directory + "/file") == 0)
    #expect(pread(file.rawValue, &back, 10, 0) == 10)
  }

  @Test func aDroppedRequestFailsWithEIO() throws {
    let server = try MountServer()
    var status = stat()
    #expect(stat(server.path + "/dropped", &status) == -1)
    #expect(Errno.last == .inputOutput)
  }

  /// Without HANDLE_KILLPRIV_V2 each of these writes would ask for security.capability, not only the first.
  @Test func writesAskForNothingElse() throws {
    let server = try MountServer()
    let file = try FileDescriptor(opening: server.path + "/file", flags: O_RDWR | O_CREAT, permissions: 0o640)
    for index in 0..<50 { #expect(pwrite(file.rawValue, "x", 1, index) == 1) }
    #expect(try server.ask("asked") == "1")
  }

  @Test func unlinkedFilesAreForgotten() throws {
    let server = try MountServer()
    for index in 0..<20 {
      let path = server.path + "/file \(index)"
      do { _ = try FileDescriptor(opening: path, flags: O_RDWR | O_CREAT, permissions: 0o640) }
      #expect(unlink(path) == 0)
    }
    // The kernel forgets when it likes; the server answers when it has seen it.
    #expect(try server.ask("removed 20") == "20")
    #expect(try server.ask("nodes") == "1")
  }

  @Test func unmountingFromOutsideIsNoticed() throws {
    let server = try MountServer()
    #expect(umount2(server.path, 0) == 0)
    #expect(try server.receive() == "ended unmounted")
    #expect(try server.ask("barrier") == "failed \(Errno.notConnected)")
  }

  @Test func aFileSystemInUseIsNotUnmounted() throws {
    let server = try MountServer()
    let file = try FileDescriptor(opening: server.path + "/file", flags: O_RDWR | O_CREAT, permissions: 0o640)
    #expect(try server.ask("unmount") == "failed \(server.path) is in use")
    #expect(pwrite(file.rawValue, "x", 1, 0) == 1)
  }

  @Test func aBarrierDoesNotKeepTheFileSystemBusy() throws {
    let server = try MountServer()
    _ = try server.ask("barrier")
    #expect(umount2(server.path, 0) == 0)
  }

  @Test func whatAKilledServerLeftIsClearedAway() throws {
    let first = try MountServer()
    first.kill()
    #expect(mkdir(first.path + "/directory", 0o755) == -1 && Errno.last == .notConnected)
    let second = try MountServer(at: first.mountPoint)
    #expect(mkdir(second.path + "/directory", 0o755) == 0)
    #expect(umount2(second.path, 0) == 0)
    #expect(throws: Never.self) { _ = try MountTarget(first.path, subtype: "tinetest") }
  }

  private func names(in directory: String) throws -> [String] {
    let stream = try #require(opendir(directory))
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      names.append(
        withUnsafeBytes(of: entry.pointee.d_name) { String(cString: $0.bindMemory(to: CChar.self).baseAddress!) })
    }
    return names.sorted()
  }
}

/// Where nothing can be mounted, and why.
@Suite(.mounts) struct MountPointTests {
  @Test func mustBeThere() {
    #expect(
      reason { () throws(MountError) in _ = try MountTarget("/tmp/there/is/no/such/directory", subtype: "tinetest") }
        == .missing)
  }

  @Test func mustBeADirectory() {
    #expect(reason { () throws(MountError) in _ = try MountTarget("/dev/null", subtype: "tinetest") } == .notDirectory)
  }

  @Test func mustNotBeMountedAlready() throws {
    let server = try MountServer()
    #expect(reason { () throws(MountError) in _ = try MountTarget(server.path, subtype: "tinetest") } == .busy)
  }

  @Test func cannotBeUnmountedWhenItIsNotMounted() throws {
    let directory = try TemporaryMountPoint()
    let point = MountPoint(resolved: directory.path)
    #expect(reason { () throws(MountError) in try point.unmount(lazily: false) } == .notMounted)
  }

  @Test func isFoundThroughSymbolicLinks() throws {
    let directory = try TemporaryMountPoint()
    let link = directory.path + ".link"
    #expect(symlink(directory.path, link) == 0)
    defer { unlink(link) }
    #expect(try MountTarget(link, subtype: "tinetest").path == directory.path)
  }

  private func reason<Result>(_ body: () throws(MountError) -> Result) -> MountError.Reason? {
    do {
      _ = try body()
      return nil
    } catch {
      return error.reason
    }
  }
}
