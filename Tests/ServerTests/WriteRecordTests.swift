import Glibc
import PosixCalls
import SystemIO
import TestSupport
import Testing

/// How many records a `write` becomes, each of which is whole or not there: the kernel splits some calls (docs/consistency.md).
@Suite(.enabled(if: TineStore.canMount, "it needs /dev/fuse and root")) struct WriteRecordTests {
  private func makeStore() -> (TineStore, mount: Path) {
    let store = TineStore()
    #expect(store.tine("init").code == 0)
    #expect(store.tine("fork --empty prod").code == 0)
    return (store, Path(store.mount("prod")))
  }

  private func records(_ store: TineStore) -> Int {
    store.tine("log prod -n 100000").output.split(separator: "\n").count { $0.contains(" write ") }
  }

  struct Call: Sendable, CustomTestStringConvertible {
    /// What the file holds before, and how much of it the kernel knows.
    var before = 0
    var isCached = false
    var offset: Int
    var count: Int
    var flags: Int32 = 0
    var records: Int
    var testDescription: String { "\(count) bytes at \(offset) of \(before)\(isCached ? ", cached" : "")" }
  }

  static let calls: [Call] = [
    Call(offset: 0, count: 8192, records: 1), Call(offset: 0, count: 10_000, records: 1),
    Call(offset: 0, count: 1 << 20, records: 1), Call(offset: 0, count: 3 << 20, records: 3),
    // The page in which it begins is written in part, and the kernel has not read it.
    Call(before: 100, offset: 100, count: 8192, records: 2), Call(before: 4000, offset: 4000, count: 200, records: 2),
    Call(before: 65536, offset: 100, count: 8192, records: 2),
    Call(before: 100, offset: 100, count: 3 << 20, records: 4),
    Call(before: 100, isCached: true, offset: 100, count: 8192, records: 1),
    Call(before: 65536, isCached: true, offset: 100, count: 8192, records: 1),
    Call(before: 4096, offset: 100, count: 200, records: 1), Call(before: 4096, offset: 4096, count: 200, records: 1),
    Call(offset: 512, count: 8192, flags: OpenFlag.direct, records: 1),
    Call(offset: 0, count: 3 << 20, flags: OpenFlag.direct, records: 3),
  ]

  @Test func aCallIsOneRecordWhereTheKernelDoesNotSplitIt() throws {
    let (store, mount) = makeStore()
    for (number, call) in Self.calls.enumerated() {
      let path = mount / Path("file\(number)")
      try path.setContent([UInt8](repeating: 1, count: call.before))
      shell("echo 1 > /proc/sys/vm/drop_caches")
      if call.isCached { #expect(try path.content().count == call.before) }
      let file = try path.open(O_RDWR | call.flags)
      let before = records(store)
      let memory = PageMemory([UInt8](repeating: 2, count: call.count))
      #expect(try file.write(UnsafeRawBufferPointer(memory.bytes), at: call.offset) == call.count)
      #expect(records(store) - before == call.records, "\(call.testDescription)")
    }
  }

  /// A fork that is taken between both records of an append shows its beginning, up to the end of the page, and nothing else in part.
  @Test func aForkShowsAnAppendUpToTheEndOfAPageAtLeast() throws {
    let (store, mount) = makeStore()
    let size = 10_000
    let line = String(repeating: "x", count: size - 1)
    let writer = BackgroundProcess("exec 5>> '\(mount)/log'; while :; do echo \(line) >&5; done")
    for number in 1...20 {
      #expect(store.tine("fork prod fork\(number)").code == 0)
      let fork = Path(store.mount("fork\(number)"))
      let content = (try? (fork / "log").content()) ?? []
      #expect(content.enumerated().allSatisfy { ($0.offset % size == size - 1) == ($0.element == 10) })
      let rest = content.count % size
      #expect(rest == 0 || (content.count % 4096 == 0 && rest < 4096), "\(content.count) bytes")
      #expect(store.tine("unmount fork\(number)").code == 0)
    }
    writer.end()
  }
}
