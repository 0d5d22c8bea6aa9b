import Ledger
import SystemIO
import TestSupport
import Testing

@testable import FileSystem
@testable import Store

/// Calls of those who may not wait for the disk.
@Suite struct NonblockingTests {
  private typealias Call = (FileSystem) throws -> Void

  /// Files, a link, an attribute in pages, and a directory, none of which is in memory.
  private func makeColdFileSystem() throws -> (store: Store, files: FileSystem, file: UInt64, link: UInt64) {
    let fixture = try Fixture()
    let file = try fixture.makeFile("file")
    try fixture.files.write(file, at: 0, [UInt8](repeating: 1, count: 9000))
    try fixture.files.setxattr(file, "user.long", [UInt8](repeating: 2, count: 9000))
    let target = [UInt8](repeating: UInt8(ascii: "x"), count: 3000)
    let link = try fixture.files.symlink(1, Array("link".utf8), target: target, Fixture.user).inode
    _ = try fixture.files.mkdir(1, Array("directory".utf8), mode: 0o755, Fixture.user)
    _ = try fixture.makeFile("old")
    try fixture.store.checkpoint()
    let store = try Store.open(on: fixture.disk.cold(), options: Fixture.options, describedAs: "cold memory")
    return (store, FileSystem(try store.volume(Reference("main"))), file, link)
  }

  private func calls(_ file: UInt64, _ link: UInt64) -> [(name: String, call: Call)] {
    let (name, new) = (Array("file".utf8), Array("new".utf8))
    return [
      ("getattr", { _ = try $0.getattr(file) }), ("lookup", { _ = try $0.lookup(1, name) }),
      ("readdir", { try $0.readdir(1, after: 0) { _ in true } }), ("read", { _ = try $0.contents(file, count: 10) }),
      ("readlink", { _ = try $0.readlink(link) }), ("lseek", { _ = try $0.lseek(file, offset: 0, whence: 3) }),
      ("getxattr", { _ = try $0.getxattr(file, "user.long") }), ("listxattr", { _ = try $0.listxattr(file) }),
      ("setxattr", { try $0.setxattr(file, "user.long", [1]) }),
      (
        "chmod",
        {
          var change = AttributeChange()
          change.mode = 0o600
          _ = try $0.setattr(file, change)
        }
      ),
      ("write", { try $0.write(file, at: 4000, [3]) }), ("truncate", { try $0.setSize(file, 5000) }),
      ("fallocate", { try $0.fallocate(file, mode: 3, offset: 10, length: 10) }),
      ("mknod", { _ = try $0.mknod(1, new, mode: 0o100644, device: 0, Fixture.user) }),
      ("mkdir", { _ = try $0.mkdir(1, Array("new directory".utf8), mode: 0o755, Fixture.user) }),
      ("link", { _ = try $0.link(file, 1, Array("second".utf8)) }),
      ("rename", { try $0.rename(1, Array("old".utf8), to: 1, new, Fixture.user) }),
      ("unlink", { try $0.unlink(1, name) }),
      ("rmdir", { try $0.rmdir(1, Array("directory".utf8)) }),
    ]
  }

  /// Each is refused, without a trace, while the disk has to be waited for, and does its work where it may wait.
  @Test func whatWouldWaitIsRefusedAndChangesNothing() throws {
    for index in calls(0, 0).indices {
      let (store, files, file, link) = try makeColdFileSystem()
      let (name, call) = calls(file, link)[index]
      let lsn = store.ledger.lastLSN
      #expect(throws: Errno.wouldBlock, "\(name)") { try call(files.nonblocking()) }
      #expect(store.ledger.lastLSN == lsn, "\(name) left a record")
      #expect(throws: Never.self, "\(name)") { try call(files) }
    }
  }

  @Test func whatIsInMemoryNeedsNoWaiting() throws {
    let (store, files, file, link) = try makeColdFileSystem()
    try withExtendedLifetime(store) {
      _ = try files.getattr(file)
      _ = try files.getattr(link)
      #expect(try files.nonblocking().getattr(file).size == 9000)
      #expect(try files.nonblocking().lookup(1, Array("link".utf8)).inode == link)
    }
  }
}
