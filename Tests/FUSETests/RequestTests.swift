import CFUSE
import FUSE
import Glibc
import Synchronization
import SystemIO
import Testing

/// Every request gets exactly one answer, of its own kind.
@Suite struct RequestTests {
  let operations = ScriptedOperations()
  let kernel: FakeKernel
  let session: Session

  init() throws {
    (kernel, session) = try FakeKernel.serving(operations)
  }

  private var notes: [String] { operations.notes.withLock { $0 } }

  @Test func entriesAreCachedForever() throws {
    let answer = try kernel.ask(FUSE_LOOKUP, name("there"))
    let entry = answer.load(fuse_entry_out.self)
    #expect(answer.error == 0)
    #expect(entry.nodeid == 7)
    #expect(entry.generation == 0)
    #expect(entry.entry_valid > 1_000_000_000)
    #expect(entry.attr_valid > 1_000_000_000)
    #expect(entry.attr.ino == 7)
    #expect(entry.attr.mode == S_IFREG | 0o640)
    #expect(entry.attr.size == 12345)
    #expect(entry.attr.blksize == 4096)
    #expect(entry.attr.mtime == 3)
    #expect(entry.attr.mtimensec == 4)
    #expect(Int64(bitPattern: entry.attr.ctime) == -5)
  }

  /// The fields stand where the kernel's `struct fuse_statx_out` has them.
  @Test func theTimeOfBirthIsTold() throws {
    let answer = try kernel.ask(fuse_opcode(52), [UInt8](repeating: 0, count: 24))
    #expect(answer.error == 0)
    #expect(answer.body.count == 288)
    #expect(answer.load(UInt64.self) > 1_000_000_000)
    #expect(answer.load(UInt32.self, at: 32) == 0xfff)
    #expect(answer.load(UInt16.self, at: 60) == 0o100640)
    #expect(answer.load(UInt64.self, at: 64) == 7)
    #expect(answer.load(UInt64.self, at: 72) == 12345)
    #expect(answer.load(Int64.self, at: 112) == -7)
    #expect(answer.load(UInt32.self, at: 120) == 8)
    #expect(answer.load(Int64.self, at: 144) == 3)
  }

  @Test func absenceIsCachedToo() throws {
    let answer = try kernel.ask(FUSE_LOOKUP, name("absent"))
    let entry = answer.load(fuse_entry_out.self)
    #expect(answer.error == 0)
    #expect(entry.nodeid == 0)
    #expect(entry.entry_valid > 1_000_000_000)
  }

  @Test func errorsArriveNegated() throws {
    #expect(try kernel.ask(FUSE_LOOKUP, name("forbidden")).error == -EACCES)
  }

  @Test func theCallerIsKnown() throws {
    _ = try kernel.ask(FUSE_LOOKUP, name("caller"))
    #expect(notes == ["1000 100 42"])
  }

  @Test func aDroppedRequestAnswersEIO() throws {
    #expect(try kernel.ask(FUSE_LOOKUP, name("dropped")).error == -EIO)
  }

  @Test(arguments: [FUSE_GETATTR, FUSE_READLINK, FUSE_OPENDIR, FUSE_OPEN, FUSE_FLUSH, FUSE_LSEEK])
  func whatIsNotImplementedAnswersENOSYS(_ opcode: fuse_opcode) throws {
    #expect(try kernel.ask(opcode, [UInt8](repeating: 0, count: 64)).error == -ENOSYS)
  }

  @Test func whatNobodyKnowsAnswersENOSYS() throws {
    #expect(try kernel.ask(fuse_opcode(4000)).error == -ENOSYS)
  }

  @Test func aParkedRequestIsAnsweredByWhoeverTakesIt() throws {
    let unique = try kernel.send(FUSE_FSYNC, bytes(of: fuse_fsync_in()))
    // Answered while the other one is parked.
    #expect(try kernel.ask(FUSE_LOOKUP, name("forbidden")).error == -EACCES)
    let parked = try #require(operations.parked.withLock { $0.take() })
    parked.take()?.reply(Done())
    let isTakenAgain = parked.take() != nil
    #expect(!isTakenAgain)
    #expect(try kernel.receive() == FakeKernel.Answer(unique: unique, error: 0, body: []))
  }

  @Test func aDroppedParkedRequestAnswersEIO() throws {
    let unique = try kernel.send(FUSE_FSYNC, bytes(of: fuse_fsync_in()))
    _ = try kernel.ask(FUSE_LOOKUP, name("forbidden"))
    operations.parked.withLock { $0 = nil }
    #expect(try kernel.receive() == FakeKernel.Answer(unique: unique, error: -EIO, body: []))
  }

  @Test func forgettingHasNoAnswer() throws {
    var forget = fuse_forget_in()
    forget.nlookup = 3
    try kernel.send(FUSE_FORGET, node: 9, bytes(of: forget))
    var batch = fuse_batch_forget_in()
    batch.count = 2
    let each = [fuse_forget_one(nodeid: 10, nlookup: 1), fuse_forget_one(nodeid: 11, nlookup: 2)]
    try kernel.send(FUSE_BATCH_FORGET, bytes(of: batch) + each.flatMap { bytes(of: $0) })
    // The next answer is this one's.
    #expect(try kernel.ask(FUSE_LOOKUP, name("forbidden")).error == -EACCES)
    #expect(notes == ["forget 9 3", "forget 10 1", "forget 11 2"])
  }

  @Test func aTemporaryFileIsAnsweredLikeACreatedOne() throws {
    var create = fuse_create_in()
    create.mode = S_IFREG | 0o600
    for (opcode, note) in [(FUSE_TMPFILE, "tmpfile \(create.mode)"), (FUSE_CREATE, "create")] {
      let answer = try kernel.ask(opcode, bytes(of: create) + name("#1"))
      #expect(answer.error == 0)
      #expect(answer.body.count == MemoryLayout<fuse_entry_out>.size + MemoryLayout<fuse_open_out>.size)
      #expect(notes.last == note)
    }
  }

  @Test func writesTellWhoMayKeepPrivileges() throws {
    for flags in [UInt32(0), UInt32(FUSE_WRITE_KILL_SUIDGID), UInt32(FUSE_WRITE_CACHE)] {
      var write = fuse_write_in()
      write.offset = 8192
      write.size = 5
      write.write_flags = flags
      #expect(try kernel.ask(FUSE_WRITE, bytes(of: write) + text("hello")).error == 0)
      #expect(notes.last == "write 8192 5 \(flags)")
    }
  }

  @Test func valuesOfAttributesMayHoldZeros() throws {
    var header = fuse_setxattr_in()
    header.size = 4
    header.flags = 1
    header.setxattr_flags = UInt32(FUSE_SETXATTR_ACL_KILL_SGID)
    #expect(try kernel.ask(FUSE_SETXATTR, bytes(of: header) + name("user.x") + [0, 1, 0, 2]).error == 0)
    #expect(notes == ["user.x [0, 1, 0, 2] 1 true"])
  }

  @Test(arguments: 0..<24)
  func attributesThatAreCutShortAreRefused(_ length: Int) throws {
    var header = fuse_setxattr_in()
    header.size = 4
    let whole = bytes(of: header) + name("user.x") + [0, 1, 0, 2]
    #expect(try kernel.ask(FUSE_SETXATTR, Array(whole[..<length])).error == -EINVAL)
    #expect(notes == [])
  }

  @Test func attributesSayHowMuchRoomTheyNeed() throws {
    func ask(_ opcode: fuse_opcode, room: UInt32) throws -> FakeKernel.Answer {
      var header = fuse_getxattr_in()
      header.size = room
      return try kernel.ask(opcode, bytes(of: header) + (opcode == FUSE_GETXATTR ? name("user.x") : []))
    }
    #expect(try ask(FUSE_GETXATTR, room: 0).load(fuse_getxattr_out.self).size == 3)
    #expect(try ask(FUSE_GETXATTR, room: 2).error == -ERANGE)
    #expect(try ask(FUSE_GETXATTR, room: 3).body == [1, 2, 3])
    #expect(try ask(FUSE_LISTXATTR, room: 0).load(fuse_getxattr_out.self).size == 14)
    #expect(try ask(FUSE_LISTXATTR, room: 14).body == name("user.a") + name("user.b"))
  }

  @Test func changesOfAttributesAreTakenApart() throws {
    var change = fuse_setattr_in()
    change.valid = 1 << 0 | 1 << 3 | 1 << 4 | 1 << 5 | 1 << 8 | 1 << 11
    change.mode = 0o4755
    change.size = 99
    change.atime = 10
    change.atimensec = 11
    change.uid = 5
    #expect(try kernel.ask(FUSE_SETATTR, bytes(of: change)).load(fuse_attr_out.self).attr.ino == 7)
    let note = try #require(notes.first)
    #expect(note.contains("mode: Optional(2541)"))
    #expect(note.contains("user: nil"))
    #expect(note.contains("size: Optional(99)"))
    #expect(note.contains("seconds: 10, nanoseconds: 11"))
    #expect(note.contains("modified: Optional(FUSE.AttributeChanges.Time.now)"))
    #expect(note.contains("clearsPrivileges: true"))
  }

  /// Entries of growing names: what does not fit is left for the next answer, and nothing is cut.
  @Test(arguments: [24, 32, 64, 100, 4096])
  func listingsEndWhereTheRoomDoes(_ room: Int) throws {
    var read = fuse_read_in()
    read.size = UInt32(room)
    let body = try kernel.ask(FUSE_READDIR, bytes(of: read)).body
    #expect(body.count <= room)
    var names: [Int] = []
    var offset = 0
    while offset < body.count {
      let entry = body.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: fuse_dirent.self) }
      #expect(entry.ino == UInt64(entry.namelen))
      #expect(entry.off == UInt64(entry.namelen))
      names.append(Int(entry.namelen))
      offset += (MemoryLayout<fuse_dirent>.offset(of: \.type)! + 4 + Int(entry.namelen) + 7) & ~7
    }
    #expect(offset == body.count)
    #expect(names == Array(1..<(names.count + 1)))
    #expect(notes == ["listed \(names.count)"])
  }
}
