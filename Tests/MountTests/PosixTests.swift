import CLinux
import Glibc
import MountTestSupport
import SystemIO
import TestSupport
import Testing

/// What programs see of a mounted fork, beyond what the file system's own tests and pjdfstest cover: the kernel's share.
@Suite(.mounts) struct PosixTests {
  let server: ForkServer
  var path: String { server.prod.path }

  init() throws { server = try ForkServer() }

  private func open(_ name: String, _ flags: Int32 = 0) throws -> FileDescriptor {
    try FileDescriptor(opening: "\(path)/\(name)", flags: O_RDWR | O_CREAT | flags, permissions: 0o644)
  }

  private func read(_ file: borrowing FileDescriptor, _ count: Int, at offset: Int = 0) -> String {
    var bytes = [UInt8](repeating: 0, count: count)
    return String(decoding: bytes[..<max(0, pread(file.rawValue, &bytes, count, offset))], as: UTF8.self)
  }

  @Test func openingTruncates() throws {
    let file = try open("file")
    #expect(pwrite(file.rawValue, "content", 7, 0) == 7)
    do { _ = try open("file", O_TRUNC) }
    #expect(read(file, 10) == "")
  }

  @Test func appendsGoToTheEndWhoeverMakesThem() throws {
    let first = try open("log", O_APPEND)
    let second = try open("log", O_APPEND)
    for index in 0..<50 { #expect(write((index % 2 == 0 ? first.rawValue : second.rawValue), "line\n", 5) == 5) }
    #expect(read(first, 1000) == String(repeating: "line\n", count: 50))
  }

  @Test func directAndMappedAndBufferedAgree() throws {
    let mapped = try MappedFile(path + "/file", pages: 4)
    let direct = try FileDescriptor(opening: path + "/file", flags: O_RDWR | 0o40000)
    let page = UnsafeMutableRawBufferPointer.allocate(byteCount: 4096, alignment: 4096)
    defer { page.deallocate() }
    mapped[1] = 7
    #expect(pread(direct.rawValue, page.baseAddress, 4096, 4096) == 4096)
    #expect(page[0] == 7)
    page[0] = 8
    #expect(pwrite(direct.rawValue, page.baseAddress, 4096, 2 * 4096) == 4096)
    #expect(mapped[2] == 8)
    #expect(read(mapped.file, 1, at: 2 * 4096) == "\u{8}")
    #expect(pwrite(mapped.file.rawValue, [9], 1, 3 * 4096) == 1)
    #expect(mapped[3] == 9)
  }

  @Test func aFileWithoutANameCanBeGivenOne() throws {
    let temporaryFile: Int32 = 0o20200000
    let file = try FileDescriptor(opening: path, flags: O_RDWR | temporaryFile, permissions: 0o600)
    #expect(write(file.rawValue, "text", 4) == 4)
    let follow: Int32 = 0x400
    #expect(linkat(AT_FDCWD, "/proc/self/fd/\(file.rawValue)", AT_FDCWD, path + "/named", follow) == 0)
    #expect(shell("cat \(path)/named; stat -c %h \(path)/named").output == "text1\n")
  }

  @Test func writingTakesPrivilegesFromThoseWhoMayNotKeepThem() throws {
    shell("cd \(path) && chmod 777 . && cp /bin/true mine && cp /bin/true roots && chmod 6777 mine roots")
    #expect(shell("setpriv --reuid 65534 --clear-groups sh -c 'echo x >> \(path)/mine'").code == 0)
    shell("echo x >> \(path)/roots")
    #expect(shell("stat -c %a \(path)/mine \(path)/roots").output == "777\n6777\n")
  }

  @Test func setUserProgramsAndDevicesWork() throws {
    shell("cd \(path) && chmod 755 . && cp /usr/bin/id . && chmod 4755 id && mknod zero c 1 5 && chmod 666 zero")
    #expect(shell("setpriv --reuid 65534 --clear-groups \(path)/id -u").output == "0\n")
    #expect(shell("head -c 3 \(path)/zero | od -An -tx1").output == " 00 00 00\n")
  }

  @Test func permissionsAreChecked() throws {
    shell("cd \(path) && chmod 755 . && echo secret > file && chmod 600 file")
    #expect(shell("setpriv --reuid 65534 --clear-groups cat \(path)/file").code != 0)
  }

  @Test func namesNeedNotBeText() throws {
    let name = path.utf8CString.dropLast() + [0x2f, -1, -2, 0x0a, 0]
    let file = Array(name).withUnsafeBufferPointer { mkdir($0.baseAddress!, 0o755) }
    #expect(file == 0)
    #expect(shell("ls -b \(path)").output == "\\377\\376\\n\n")
  }

  @Test func manyNamesAreListedOnceWhileSomeGo() throws {
    shell("cd \(path) && seq 3000 | xargs touch")
    #expect(shell("cd \(path) && ls -f | sort | uniq -d").output == "")
    #expect(shell("cd \(path) && ls | wc -l; ls -l | wc -l").output == "3000\n3001\n")
    #expect(shell("cd \(path) && find . -type f -delete && ls -A").output == "")
  }

  @Test func holesAreFoundAndMade() throws {
    shell("cd \(path) && dd if=/dev/urandom of=file bs=64K count=16 status=none && cp file copy")
    shell("cd \(path) && fallocate -p -o 65536 -l 131072 file && cp --sparse=always file sparse")
    #expect(shell("cd \(path) && stat -c '%s %b' file").output == "1048576 1792\n")
    shell("cd \(path) && dd if=/dev/zero of=copy bs=64K seek=1 count=2 conv=notrunc status=none")
    #expect(shell("cd \(path) && cmp file copy && cmp file sparse").code == 0)
  }

  @Test func copiesShareTheirBlocks() throws {
    shell("cd \(path) && dd if=/dev/urandom of=file bs=1M count=8 status=none")
    #expect(shell("cd \(path) && cp file copy && cmp file copy && stat -c %b copy").output == "16384\n")
  }

  @Test func attributesOfEverySizeAreKept() throws {
    shell("touch \(path)/file")
    for count in [0, 1, 100, 3000, 4000, 60000] {
      let value = [UInt8](repeating: UInt8(count % 251), count: count)
      #expect(linux_set_attribute(path + "/file", "user.\(count)", value, count) == 0)
      #expect(linux_get_attribute(path + "/file", "user.\(count)", nil, 0) == count)
      var back = [UInt8](repeating: 255, count: count)
      #expect(linux_get_attribute(path + "/file", "user.\(count)", &back, count) == count)
      #expect(back == value)
      if count > 1 {
        #expect(linux_get_attribute(path + "/file", "user.\(count)", &back, 1) == -1 && Errno.last == .outOfRange)
      }
    }
    #expect(shell("setfattr -x user.100 \(path)/file").code == 0)
    #expect(linux_get_attribute(path + "/file", "user.100", nil, 0) == -1 && Errno.last == .noData)
  }

  @Test(.enabled(if: shell("command -v setfacl getfacl").code == 0, "needs setfacl(1)"))
  func accessControlListsAreCheckedAndHandedDown() throws {
    shell("cd \(path) && chmod 755 . && mkdir d && setfacl -d -m u:65534:rw,o::- d && (umask 077; echo text > d/file)")
    let list = "user::rw-\nuser:65534:rw-\ngroup::r-x\t#effective:r--\nmask::rw-\nother::---\n\n"
    #expect(shell("cd \(path) && getfacl -cn d/file").output == list)
    #expect(shell("setpriv --reuid 65534 --clear-groups cat \(path)/d/file").output == "text\n")
    shell("cd \(path) && chmod 600 d/file")
    #expect(shell("setpriv --reuid 65534 --clear-groups cat \(path)/d/file").code != 0)
    #expect(shell("cd \(path) && touch plain && stat -c %a plain").output == "644\n")
  }

  @Test func locksAreKept() throws {
    let script = "flock -n \(path)/lock -c 'flock -n \(path)/lock -c true || echo held'"
    #expect(shell(script).output == "held\n")
  }

  @Test func manyWritersSyncAtOnce() throws {
    let writer = "for i in $(seq 20); do echo $i >> w{}; sync w{}; done"
    #expect(shell("cd \(path) && seq 16 | xargs -P 16 -I{} sh -c '\(writer)' && cat w* | wc -l").output == "320\n")
  }

  @Test func largeWritesOfSeveralProcessesDoNotMix() throws {
    shell("cd \(path) && seq 4 | xargs -P 4 -I{} sh -c \"head -c 20M /dev/zero | tr '\\0' {} > f{}\"")
    for index in 1...4 {
      let file = "\(path)/f\(index)"
      #expect(shell("tr -d \(index) < \(file) | wc -c; stat -c %s \(file)").output == "0\n20971520\n")
    }
  }
}
