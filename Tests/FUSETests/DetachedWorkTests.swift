import CFUSE
import FUSE
import Glibc
import Synchronization
import SystemIO
import Testing

/// Slow requests do not hold up others, and a statfs marks the end of the ordered ones before it.
@Suite struct DetachedWorkTests {
  let operations = ScriptedOperations()

  private func write(_ text: String) -> [UInt8] {
    var header = fuse_write_in()
    header.size = UInt32(text.utf8.count)
    return bytes(of: header) + Array(text.utf8)
  }

  @Test func aMarkerWaitsForOrderedWorkAndHoldsUpNothing() throws {
    let (kernel, session) = try FakeKernel.serving(operations)
    let held = try kernel.send(FUSE_WRITE, node: ScriptedOperations.ordered, write("held"))
    let marker = try kernel.send(FUSE_STATFS)
    #expect(try kernel.ask(FUSE_LOOKUP, name("forbidden")).error == -EACCES)
    operations.gate.notifyAll { $0 = true }
    #expect(try kernel.receive().unique == held)
    #expect(try kernel.receive().unique == marker)
    #expect(session.waitUntilEnded(closing: kernel) == .unmounted)
  }

  @Test func aMarkerDoesNotWaitForUnorderedWork() throws {
    let (kernel, _) = try FakeKernel.serving(operations)
    let held = try kernel.send(FUSE_WRITE, node: ScriptedOperations.unordered, write("held"))
    #expect(try kernel.ask(FUSE_STATFS).error == 0)
    operations.gate.notifyAll { $0 = true }
    #expect(try kernel.receive().unique == held)
  }

  @Test func whatWouldBlockIsDoneWhereItMay() throws {
    let (kernel, _) = try FakeKernel.serving(operations)
    var read = fuse_read_in()
    read.size = 4096
    #expect(try kernel.ask(FUSE_READ, bytes(of: read)).body == text("read where it may block"))
  }

  /// With one thread that may block: one write has it, some wait, and the rest hold up reading. None is lost or mixed up.
  @Test func workWaitsWhenAllThreadsAreBusy() throws {
    let (kernel, session) = try FakeKernel.serving(operations, crew: Crew(limit: 1))
    let count = 12
    var open = Set<UInt64>()
    for index in 0..<count {
      open.insert(try kernel.send(FUSE_WRITE, node: ScriptedOperations.ordered, write("text \(index)")))
    }
    let marker = try kernel.send(FUSE_STATFS)
    operations.gate.notifyAll { $0 = true }
    for _ in 0..<count { open.remove(try kernel.receive().unique) }
    #expect(open.isEmpty)
    #expect(try kernel.receive().unique == marker)
    let notes = operations.notes.withLock { Set($0) }
    #expect(notes == Set((0..<count).map { "write text \($0)" }))
    #expect(session.waitUntilEnded(closing: kernel) == .unmounted)
  }

  @Test func aSessionEndsAfterItsWork() throws {
    let ended = Monitor<[SessionEnd]>([])
    let (kernel, session) = try FakeKernel.serving(operations) { reason in
      #expect(self.operations.notes.withLock { $0 } == ["write held"])
      ended.notifyAll { $0.append(reason) }
    }
    try kernel.send(FUSE_WRITE, node: ScriptedOperations.ordered, write("held"))
    #expect(try kernel.ask(FUSE_LOOKUP, name("forbidden")).error == -EACCES)
    kernel.close()
    operations.gate.notifyAll { $0 = true }
    #expect(session.waitUntilEnded() == .unmounted)
    #expect(ended.withLock { $0 } == [.unmounted])
  }
}

extension Session {
  /// Closes the other end, and waits.
  fileprivate func waitUntilEnded(closing kernel: FakeKernel) -> SessionEnd {
    kernel.close()
    return waitUntilEnded()
  }
}
