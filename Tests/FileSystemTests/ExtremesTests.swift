import Store
import Synchronization
import SystemIO
import TestSupport
import Testing

@testable import FileSystem

/// Values at the ends of their ranges, where arithmetic goes wrong first.
@Suite struct ExtremesTests {
  private let fixture: Fixture
  private var files: FileSystem { fixture.files }

  init() throws { fixture = try Fixture() }

  /// The pages of long attribute values once began at byte 2^64, and reading one back ended the process.
  @Test(arguments: [0, 1, 400, 401, 4096, 4097, 65535, 65536])
  func anExtendedAttributeOfAnyLengthIsReadBack(length: Int) throws {
    var random = SeededRandom(seed: UInt64(length))
    let inode = try fixture.makeFile("file")
    let (first, second) = (random.bytes(length), random.bytes(length))
    try files.setxattr(inode, "user.first", first)
    try files.setxattr(inode, "user.second", second)
    #expect(try files.getxattr(inode, "user.first") == first)
    try files.setxattr(inode, "user.first", second)
    #expect(try files.getxattr(inode, "user.first") == second)
    #expect(try files.getxattr(inode, "user.second") == second)
    try files.removexattr(inode, Array("user.second".utf8))
    #expect(throws: Errno.noData) { try files.getxattr(inode, "user.second") }
    #expect(try files.getxattr(inode, "user.first") == second)
    #expect(try files.getattr(inode).blocks == 0, "attributes are no content")
    #expect(try fixture.problems == [])
    #expect(try fixture.reopened().files.getxattr(inode, "user.first") == second)
  }

  /// Where the value stands and what stands there once were looked up one after the other, so that a value that was replaced in
  /// between was read as zeros.
  @Test func aLongValueIsReadWholeWhileItIsReplaced() throws {
    let inode = try fixture.makeFile("file")
    let values = (1...4).map { [UInt8](repeating: $0, count: 4000 + 4096 * Int($0)) }
    try files.setxattr(inode, "user.long", values[0])
    let isReplacing = Atomic(true)
    try onThreads(3) { [store = fixture.store, files] index in
      switch index {
      case 0:
        defer { isReplacing.store(false, ordering: .releasing) }
        for round in 0..<400 { try files.setxattr(inode, "user.long", values[round % 4]) }
      case 1:
        while isReplacing.load(ordering: .acquiring) { _ = try store.collectGarbage() }
      default:
        while isReplacing.load(ordering: .acquiring) {
          let value = try files.getxattr(inode, "user.long")
          let isWhole = values.contains(value)
          try #require(isWhole, "read \(value.count) bytes, the first is \(value[0])")
        }
      }
    }
  }

  @Test func aLongAttributeIsNoDataForLseek() throws {
    let inode = try fixture.makeFile("file")
    try files.setxattr(inode, "user.long", [UInt8](repeating: 1, count: 5000))
    try files.setSize(inode, 10_000)
    #expect(throws: Errno.noSuchDeviceOrAddress) { try files.lseek(inode, offset: 0, whence: 3) }
    #expect(try files.lseek(inode, offset: 1, whence: 4) == 1)
    try files.write(inode, at: 4096, [1])
    #expect(try files.lseek(inode, offset: 0, whence: 3) == 4096)
    #expect(try files.lseek(inode, offset: 4096, whence: 4) == 8192)
    #expect(throws: Errno.noSuchDeviceOrAddress) { try files.lseek(inode, offset: 8192, whence: 3) }
  }

  /// The page of a long target was once not counted in its fork, so its removal made the count negative and ended the process, at each
  /// start again.
  @Test(arguments: [1, 800, 801, 4095])
  func aSymbolicLinkOfAnyLengthComesAndGoes(length: Int) throws {
    let target = [UInt8](repeating: UInt8(ascii: "x"), count: length)
    let inode = try files.symlink(Fixture.root, Array("link".utf8), target: target, Fixture.user).inode
    #expect(try files.readlink(inode) == target)
    #expect(try fixture.reopened().files.readlink(inode) == target)
    #expect(files.volume.usage.pages == (length > 800 ? 1 : 0))
    try files.unlink(Fixture.root, Array("link".utf8))
    #expect(files.volume.usage == (1, 0))
    #expect(try fixture.problems == [])
    #expect(try fixture.reopened().files.volume.usage == (1, 0))
  }

  @Test func aSymbolicLinkOfAWholePageIsRefused() throws {
    let target = [UInt8](repeating: UInt8(ascii: "x"), count: 4096)
    #expect(throws: Errno.nameTooLong) { try files.symlink(Fixture.root, [1], target: target, Fixture.user) }
    #expect(throws: Errno.noSuchFile) { try files.symlink(Fixture.root, [1], target: [], Fixture.user) }
  }

  /// Whole pages up to the end of the largest file once did not fit into a signed number, and cutting it ended the process.
  @Test func theLargestFileIsWrittenAndCut() throws {
    let inode = try fixture.makeFile("file")
    let end = UInt64(Int64.max)
    let lastPage = end / 4096 * 4096
    #expect(throws: Errno.fileTooLarge) { try files.setSize(inode, end + 1) }
    #expect(throws: Errno.fileTooLarge) { try files.write(inode, at: end, [1]) }
    #expect(throws: Errno.fileTooLarge) { try files.fallocate(inode, mode: 0, offset: end - 1, length: 2) }
    try files.write(inode, at: end - 1, [7])
    #expect(try files.getattr(inode).size == end)
    #expect(try files.lseek(inode, offset: 0, whence: 3) == lastPage)
    #expect(try files.lseek(inode, offset: end - 1, whence: 4) == end)
    #expect(try files.contents(inode, at: end - 2, count: 10) == [0, 7])
    try files.fallocate(inode, mode: 3, offset: 0, length: end)
    #expect(try files.getattr(inode).blocks == 0)
    try files.write(inode, at: end - 1, [7])
    try files.setSize(inode, 1)
    #expect(try files.getattr(inode).blocks == 0)
    #expect(try fixture.problems == [])
  }

  @Test func namesAreLimitedAndMayHoldAnyByte() throws {
    let longest = (0..<255).map { UInt8($0 + 1) }.map { $0 == UInt8(ascii: "/") ? 0xff : $0 }
    let inode = try files.mknod(Fixture.root, longest, mode: 0o100644, device: 0, Fixture.user).inode
    #expect(try files.lookup(Fixture.root, longest).inode == inode)
    for name in [[], [0], Array("a/b".utf8), Array(".".utf8), Array("..".utf8)] as [[UInt8]] {
      #expect(throws: Errno.invalidArgument) {
        try files.mknod(Fixture.root, name, mode: 0o100644, device: 0, Fixture.user)
      }
    }
    #expect(throws: Errno.nameTooLong) {
      try files.mknod(Fixture.root, longest + [1], mode: 0o100644, device: 0, Fixture.user)
    }
  }
}
