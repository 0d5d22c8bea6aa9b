import FileSystem
import Ledger
import Store
import SystemIO

/// A whole store with changed bytes behind right checksums.
extension Decoder {
  /// Opens it, checks it, lists everything, changes and collects; accepted is what the check finds nothing in.
  func acceptsStore(_ patches: [UInt8]) -> Bool {
    let storage = StoreImage.golden.patched(by: patches)
    guard let store = try? Store.open(on: storage, options: Self.options, describedAs: "memory") else { return false }
    let problems = (try? store.check().problems.map(\.message)) ?? ["the check failed"]
    let names = store.heads().map(\.name)
    for name in names { _ = succeeds { try list(FileSystem(store.volume(Reference(name)))) } }
    for name in names { _ = succeeds { try change(FileSystem(store.volume(Reference(name)))) } }
    if names.count > 1 { _ = succeeds { _ = try store.diff(Reference(names[0]), Reference(names[1])) } }
    _ = succeeds { _ = try store.collectGarbage() }
    _ = succeeds { try store.close() }
    return problems.isEmpty
  }

  /// Repairs it: the number of changes that no checksum hides u8, these, then patches. Accepted is what a check finds nothing in any
  /// more; then whoever opens it finds nothing either.
  func acceptsRepair(_ bytes: [UInt8]) -> Bool {
    guard let count = bytes.first.map(Int.init), bytes.count >= 1 + count * 4 else { return false }
    let storage = StoreImage.golden.patched(
      by: Array(bytes[(1 + count * 4)...]), damagedBy: Array(bytes[1..<1 + count * 4]))
    guard let report = try? Store.repair(on: storage, options: Self.options, describedAs: "memory"),
      report.failure == nil, report.check.problems.isEmpty
    else { return false }
    let store: Store
    let check: CheckReport
    do {
      store = try Store.open(on: storage, options: Self.options, describedAs: "memory")
      check = try store.check()
      try store.close()
    } catch {
      preconditionFailure("a store that was repaired cannot be used: \(error)")
    }
    precondition(check.problems.isEmpty, "a repair left damage that it did not report: \(check.problems)")
    return true
  }

  /// Little memory, and one thread, so that a run is quick and always the same.
  private static var options: StoreOptions {
    var options = StoreOptions()
    options.checkpointsInBackground = false
    options.cleanNodes = 64
    options.reservedBytes = 0
    options.ledger.hintCapacity = 1 << 10
    options.ledger.allocationStep = 8 << 10
    options.ledger.zeroedAhead = 0
    return options
  }

  private func list(_ files: FileSystem) throws {
    var pending: [UInt64] = [1]
    var seen: Set<UInt64> = []
    while let inode = pending.popLast() {
      guard seen.insert(inode).inserted, seen.count < 100 else { continue }
      pending += look(files, inode)
    }
  }

  /// Looks at all of one inode, and returns what it leads to.
  private func look(_ files: FileSystem, _ inode: UInt64) -> [UInt64] {
    _ = succeeds {
      for name in try files.listxattr(inode) { _ = try files.getxattr(inode, name) }
    }
    _ = succeeds { _ = try files.readlink(inode) }
    _ = succeeds {
      let size = try files.getattr(inode).size
      for offset in [0, size - min(size, 5000), size] { _ = try read(files, inode, at: offset) }
    }
    var found: [UInt64] = []
    _ = succeeds {
      try files.readdir(inode, after: 0) { entry in
        found.append(entry.inode)
        return found.count < 1000
      }
    }
    return found
  }

  private func read(_ files: FileSystem, _ inode: UInt64, at offset: UInt64) throws -> Int {
    var buffer = [UInt8](repeating: 0, count: 16384)
    return try buffer.withUnsafeMutableBytes { try files.read(inode, at: offset, into: $0) }
  }

  private func change(_ files: FileSystem) throws {
    let user = Credentials(user: 0, group: 0, fileCreationMask: 0)
    let inode = try files.mknod(1, Array("new".utf8), mode: 0o100640, device: 0, user).inode
    let content = (0..<9000).map { UInt8(truncatingIfNeeded: $0) }
    _ = try content.withUnsafeBytes { try files.write(inode, at: 100, $0) }
    try files.unlink(1, Array("short".utf8))
  }
}
