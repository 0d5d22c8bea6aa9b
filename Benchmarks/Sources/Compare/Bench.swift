import Glibc
import Store
import Synchronization
import SystemIO
import Workloads

/// Where a run measures: a temporary directory, the programs under test, and the stores and peers that scenarios share.
final class Bench: Sendable {
  let directory: String
  let quick: Bool
  private let program: String
  private let shared = Mutex(Shared())

  private struct Shared {
    var stores: [StoreShape: String] = [:]
    var btrfs: BtrfsVolume?
    var number = 0
  }

  init(_ options: Options) throws {
    quick = options.quick
    program = options.tine
    let temporary = try TemporaryDirectory(in: options.directory, "tine-compare")
    directory = temporary.path
    Cleanup.add { [directory] in
      // Under another name no thread that is still at work makes anything new in it.
      rename(directory, directory + ".removed")
      removeTree(directory + ".removed")
      _ = temporary
    }
  }

  /// The command under test.
  func tine() throws -> String {
    guard let path = realpath(program, nil) else {
      throw Program.Failure("there is no \(program): build it first (see docs/benchmarks.md), or name it with --tine")
    }
    defer { free(path) }
    return String(cString: path)
  }

  /// A path that nothing has yet.
  func path(_ name: String) -> String {
    "\(directory)/\(name)-\(shared.withLock { $0.number += 1; return $0.number })"
  }

  /// Makes an empty directory.
  func makeDirectory(_ name: String) throws -> String {
    let path = path(name)
    try DirectoryStorage.makeDirectory(at: path)
    return path
  }

  /// Makes an empty directory in memory.
  func makeMemoryDirectory(_ name: String) throws -> String {
    let path = try makeDirectory(name)
    try Program("mount", "-t", "tmpfs", "-o", "nr_inodes=2m,size=12g", "tine-compare", path).runSuccessfully()
    Cleanup.add { _ = try? Program("umount", "--lazy", path).run() }
    return path
  }

  /// A closed store with a fork `prod` of this shape; made once, so whoever uses it drops what he forks.
  func store(_ shape: StoreShape) throws -> String {
    if let path = shared.withLock({ $0.stores[shape] }) { return path }
    complain("  making a store with \(shape.rawValue)")
    let path = path("store")
    let store = try shape.makeStore(at: path)
    try store.close()
    shared.withLock { $0.stores[shape] = path }
    return path
  }

  /// A btrfs on a loop device of the same disk; nil where that is not to be had.
  func btrfs() -> BtrfsVolume? {
    if let volume = shared.withLock({ $0.btrfs }) { return volume }
    do {
      let volume = try BtrfsVolume(self)
      shared.withLock { $0.btrfs = volume }
      return volume
    } catch {
      complain("  without btrfs: \(error)")
      return nil
    }
  }

  var description: String {
    var name = utsname()
    uname(&name)
    let kernel = withUnsafeBytes(of: &name.release) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    var now = time(nil)
    var date = tm()
    gmtime_r(&now, &date)
    let day = [Int(date.tm_year) + 1900, Int(date.tm_mon) + 1, Int(date.tm_mday)]
      .map { $0 < 10 ? "0\($0)" : "\($0)" }.joined(separator: "-")
    return "\(day), Linux \(kernel), \(sysconf(Int32(_SC_NPROCESSORS_ONLN))) cores" + (quick ? ", quick" : "")
  }

  /// Waits until what others wrote is on the disk, so that it does not disturb what is measured next.
  func settle() { sync() }
}
