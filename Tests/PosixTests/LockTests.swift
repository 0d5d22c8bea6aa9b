import Glibc
import PosixCalls
import SystemIO
import Testing

extension Posix {
  /// Locks of flock(2) and fcntl(2), between processes.
  @Suite struct LockTests {
    let path: Path
    let file: OpenFile
    let place: Place
    let peer: Peer

    init() throws {
      place = try Place()
      path = place / "file"
      file = try path.create()
      peer = try Peer()
    }

    @Test(
      arguments: [
        ("shared", .shared, nil), ("shared", .exclusive, .wouldBlock), ("exclusive", .shared, .wouldBlock),
        ("exclusive", .exclusive, .wouldBlock), ("none", .exclusive, nil),
      ] as [(String, LockKind, Errno?)])
    func wholeFilesAreLocked(held: String, wanted: LockKind, error: Errno?) throws {
      try peer.run("flock \(path) \(held)")
      #expect(try failure { try file.lockWhole(wanted) } == error)
      try peer.run("close \(path)")
      try file.lockWhole(wanted)
      try file.lockWhole(.none)
    }

    /// The other process holds bytes 100 to 199.
    @Test(
      arguments: [
        ("shared", .shared, 100, 100, true), ("shared", .exclusive, 100, 100, false),
        ("exclusive", .shared, 150, 1, false), ("exclusive", .exclusive, 0, 100, true),
        ("exclusive", .exclusive, 0, 101, false), ("exclusive", .exclusive, 200, 0, true),
        ("exclusive", .exclusive, 199, 0, false), ("exclusive", .exclusive, 0, 0, false),
      ] as [(String, LockKind, off_t, off_t, Bool)], [LockOwner.process, .openFile])
    func rangesAreLocked(
      _ example: (held: String, wanted: LockKind, offset: off_t, count: off_t, isFree: Bool), owner: LockOwner
    ) throws {
      try peer.run("lock \(path) \(example.held) 100 100")
      let isFree =
        try file.lockInTheWay(of: example.wanted, at: example.offset, count: example.count, for: owner) == nil
      #expect(isFree == example.isFree)
      let error = try failure { try file.lock(example.wanted, at: example.offset, count: example.count, for: owner) }
      #expect(error == (example.isFree ? nil : .wouldBlock))
    }

    @Test func whoIsInTheWayIsTold() throws {
      try peer.run("lock \(path) exclusive 100 100")
      try peer.run("lock \(path) none 120 10")
      let first = try #require(try file.lockInTheWay(of: .shared, for: .process))
      #expect(first.kind == .exclusive && first.offset == 100 && first.count == 20 && first.process > 0)
      let second = try #require(try file.lockInTheWay(of: .shared, at: 120, for: .process))
      #expect(second.offset == 130 && second.count == 70)
      #expect(try file.lockInTheWay(of: .exclusive, at: 120, count: 10, for: .process) == nil)
    }

    /// Those of a process go when it closes any descriptor of the file; those of an open file do not.
    @Test func locksEndWithTheirOwner() throws {
      try file.lock(.exclusive, for: .openFile)
      do { _ = try path.open(O_RDWR) }
      #expect(try peer.failure(of: "lock \(path) exclusive 0 0") == .wouldBlock)
      try file.lock(.none, for: .openFile)
      try file.lock(.exclusive, for: .process)
      #expect(try peer.failure(of: "lock \(path) exclusive 0 0") == .wouldBlock)
      do { _ = try path.open(O_RDWR) }
      try peer.run("lock \(path) exclusive 0 0")
    }

    @Test func aLockNeedsTheRightToUseIt() throws {
      #expect(throws: Errno.badDescriptor) { try path.open(O_RDONLY).lock(.exclusive, for: .process) }
      #expect(throws: Errno.badDescriptor) { try path.open(O_WRONLY).lock(.shared, for: .process) }
      try path.open(O_RDONLY).lockWhole(.exclusive)
    }
  }
}
