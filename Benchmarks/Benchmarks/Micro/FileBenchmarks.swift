import Benchmark
import FileSystem
import Store
import SystemIO
import Workloads

/// Writes and reads as a server makes them, on one file of a small store.
func fileBenchmarks() {
  final class Fixture: @unchecked Sendable {
    let store: StoreFixture
    let inode: InodeNumber
    var offset: UInt64 = 0
    var stamp: UInt64 = 0
    var noise = Noise(seed: 1)

    init() throws {
      store = try StoreFixture(.small)
      let content = ContentBuffer(count: 1 << 20, .compressible)
      inode = try store.fileSystem.addFile("data", content: content.content)
      withExtendedLifetime(content) {}
    }
  }

  let line = ContentBuffer(count: 45, .compressible)
  Benchmark(
    "file append 45 B",
    closure: { (benchmark: Benchmark, fixture: Fixture) in
      for _ in benchmark.scaledIterations {
        must { () throws(Errno) in
          _ = try fixture.store.fileSystem.write(fixture.inode, at: fixture.offset, line.content)
        }
        fixture.offset += 45
      }
    }, setup: { try Fixture() })

  let page = ContentBuffer(count: 8 << 10, .compressible)
  Benchmark(
    "file overwrite 8 KiB compressible",
    closure: { (benchmark: Benchmark, fixture: Fixture) in
      for _ in benchmark.scaledIterations {
        fixture.stamp += 1
        page.renew(fixture.stamp)
        let offset = fixture.noise.next() % 128 * 8192
        must { () throws(Errno) in _ = try fixture.store.fileSystem.write(fixture.inode, at: offset, page.content) }
      }
    }, setup: { try Fixture() })

  let target = ContentBuffer(count: 8 << 10)
  Benchmark(
    "file read 8 KiB compressible",
    closure: { (benchmark: Benchmark, fixture: Fixture) in
      for _ in benchmark.scaledIterations {
        let offset = fixture.noise.next() % 128 * 8192
        must { () throws(Errno) in _ = try fixture.store.fileSystem.read(fixture.inode, at: offset, into: target.bytes)
        }
      }
    }, setup: { try Fixture() })

  Benchmark(
    "file create and unlink",
    closure: { (benchmark: Benchmark, fixture: Fixture) in
      for _ in benchmark.scaledIterations {
        must { () throws(Errno) in
          _ = try fixture.store.fileSystem.mknod(
            FileSystem.rootInode, Array("new".utf8), mode: 0o100644, device: 0, .root)
          try fixture.store.fileSystem.unlink(FileSystem.rootInode, Array("new".utf8))
        }
      }
    }, setup: { try Fixture() })
}
