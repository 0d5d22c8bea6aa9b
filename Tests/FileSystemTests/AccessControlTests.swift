import Store
import SystemIO
import TestSupport
import Testing

@testable import FileSystem

/// Access control lists and the mode say the same, and new objects get what their directory hands down.
@Suite struct AccessControlTests {
  private let fixture: Fixture
  private var files: FileSystem { fixture.files }
  private let access = Array("system.posix_acl_access".utf8)
  private let inherited = Array("system.posix_acl_default".utf8)

  init() throws { fixture = try Fixture() }

  private func list(_ entries: (tag: UInt8, permissions: UInt8, id: UInt8)...) -> [UInt8] {
    entries.reduce(into: [2, 0, 0, 0]) { $0 += [$1.tag, 0, $1.permissions, 0, $1.id, 0, 0, 0] }
  }

  /// Owner rwx, user 5 rw, group r, mask rw, others none.
  private var extended: [UInt8] { list((1, 7, 255), (2, 6, 5), (4, 4, 255), (16, 6, 255), (32, 0, 255)) }

  private func make(_ name: String, mode: UInt32, mask: UInt32?) throws -> Attributes {
    let caller = Credentials(user: 1, group: 1, fileCreationMask: mask)
    return try files.mknod(1, Array(name.utf8), mode: mode, device: 0, caller)
  }

  @Test func settingAListSetsTheMode() throws {
    let inode = try make("file", mode: 0o102755, mask: nil).inode
    try files.setxattr(inode, access, extended)
    #expect(try files.getattr(inode).mode == 0o102760)
    #expect(try files.getxattr(inode, access) == extended)
    try files.setxattr(inode, access, extended, clearsSetGroup: true)
    #expect(try files.getattr(inode).mode == 0o100760)
  }

  @Test func aListThatTheModeTellsIsNotKept() throws {
    let inode = try make("file", mode: 0o100644, mask: nil).inode
    try files.setxattr(inode, access, extended)
    try files.setxattr(inode, access, list((1, 6, 255), (4, 4, 255), (32, 1, 255)))
    #expect(try files.getattr(inode).mode == 0o100641)
    #expect(throws: Errno.noData) { try files.getxattr(inode, access) }
  }

  @Test func aListFollowsTheMode() throws {
    let inode = try make("file", mode: 0o100644, mask: nil).inode
    try files.setxattr(inode, access, extended)
    var change = AttributeChange()
    change.mode = 0o1513
    #expect(try files.setattr(inode, change).mode == 0o101513)
    let followed = list((1, 5, 255), (2, 6, 5), (4, 4, 255), (16, 1, 255), (32, 3, 255))
    #expect(try files.getxattr(inode, access) == followed)
  }

  @Test func withoutADefaultListTheMaskCounts() throws {
    #expect(try make("masked", mode: 0o104777, mask: 0o027).mode == 0o104750)
    #expect(try make("exact", mode: 0o104777, mask: nil).mode == 0o104777)
  }

  @Test func aDefaultListIsHandedDown() throws {
    try files.setxattr(1, inherited, extended)
    #expect(try files.getattr(1).mode & 0o777 == 0o755)
    let file = try make("file", mode: 0o100644, mask: 0o077)
    #expect(file.mode == 0o100640)
    #expect(
      try files.getxattr(file.inode, access) == list((1, 6, 255), (2, 6, 5), (4, 4, 255), (16, 4, 255), (32, 0, 255)))
    #expect(throws: Errno.noData) { try files.getxattr(file.inode, inherited) }
    let caller = Credentials(user: 1, group: 1, fileCreationMask: 0o077)
    let directory = try files.mkdir(1, Array("directory".utf8), mode: 0o777, caller)
    #expect(directory.mode == 0o040760)
    #expect(try files.getxattr(directory.inode, inherited) == extended)
    #expect(try files.getxattr(directory.inode, access) == extended)
    let link = try files.symlink(1, Array("link".utf8), target: [1], caller)
    #expect(try files.listxattr(link.inode) == [])
    let exact = try make("exact", mode: 0o100604, mask: nil)
    #expect(exact.mode == 0o100604)
    #expect(try files.listxattr(exact.inode) == [])
  }

  @Test func aMinimalDefaultListOnlySetsTheMode() throws {
    try files.setxattr(1, inherited, list((1, 7, 255), (4, 5, 255), (32, 0, 255)))
    let file = try make("file", mode: 0o100666, mask: 0o777)
    #expect(file.mode == 0o100640)
    #expect(try files.listxattr(file.inode) == [])
  }

  @Test(arguments: [
    [], [2, 0, 0], [1, 0, 0, 0], [2, 0, 0, 0], [2, 0, 0, 0, 1, 0, 7, 0, 0, 0, 0],
    [2, 0, 0, 0, 3, 0, 7, 0, 0, 0, 0, 0, 4, 0, 7, 0, 0, 0, 0, 0, 32, 0, 7, 0, 0, 0, 0, 0],
  ])
  func whatIsNoListIsRefused(_ bytes: [UInt8]) throws {
    let inode = try make("file", mode: 0o100644, mask: nil).inode
    #expect(throws: Errno.invalidArgument) { try files.setxattr(inode, access, bytes) }
    #expect(try files.getattr(inode).mode == 0o100644)
  }

  /// Lists that do not fit into the tree once were refused.
  @Test func aLongListIsHandedDownAndFollowsTheMode() throws {
    let named = (0..<500).map { [2, 0, 6, 0, UInt8($0 % 256), UInt8($0 / 256), 0, 0] as [UInt8] }
    func long(owner: UInt8 = 7, mask: UInt8) -> [UInt8] {
      list((1, owner, 255)) + named.joined() + list((4, 4, 255), (16, mask, 255), (32, 0, 255))[4...]
    }
    try files.setxattr(1, inherited, long(mask: 6))
    let caller = Credentials(user: 1, group: 1, fileCreationMask: 0)
    let directory = try files.mkdir(1, Array("directory".utf8), mode: 0o757, caller)
    #expect(directory.mode == 0o040740)
    #expect(try files.getxattr(directory.inode, inherited) == long(mask: 6))
    #expect(try files.getxattr(directory.inode, access) == long(mask: 5 & 6))
    let file = try make("file", mode: 0o100660, mask: 0)
    try files.write(file.inode, at: 0, [UInt8](repeating: 1, count: 5000))
    var change = AttributeChange()
    change.mode = 0o640
    change.size = 4500
    #expect(try files.setattr(file.inode, change).mode == 0o100640)
    #expect(try files.getxattr(file.inode, access) == long(owner: 6, mask: 4))
    #expect(try files.contents(file.inode) == [UInt8](repeating: 1, count: 4500))
    #expect(try fixture.problems == [])
  }
}
