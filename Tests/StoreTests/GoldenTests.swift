import FileSystem
import Foundation
import Ledger
import SystemIO
import TestSupport
import Testing

@testable import Store

/// A store of each version of the format, kept as it was written: it must open for ever, and hold what it held.
///
/// `Golden/VERSION/` holds the store and, in `listing`, what is in it. A store of a new version is recorded with TINE_RECORD in the
/// environment; one that is there is never written again.
@Suite struct GoldenTests {
  private static let directory = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Golden")
  private static let versions = ["1"]

  @Test(arguments: versions) func aStoreOfThisVersionOpens(version: String) throws {
    let place = Self.directory.appending(path: version)
    if ProcessInfo.processInfo.environment["TINE_RECORD"] != nil { try Self.record(at: place) }
    let store = try openStore(on: Self.load(place))
    #expect(try store.problems == [])
    let expected = try String(contentsOf: place.appending(path: "listing"), encoding: .utf8)
    let listing = try Self.listing(of: store)
    for (actual, expected) in zip(listing.split(separator: "\n"), expected.split(separator: "\n")) {
      #expect(actual == expected)
    }
    #expect(listing.count == expected.count)
    _ = try store.collectGarbage()
    #expect(try store.problems == [])
    #expect(try Self.listing(of: store) == expected)
  }

  // MARK: The files

  private static func load(_ place: URL) throws -> MemoryStorage {
    var directories: Set<String> = [""]
    var files: [String: [UInt8]] = [:]
    for path in try FileManager.default.subpathsOfDirectory(atPath: place.path) where path != "listing" {
      var isDirectory: ObjCBool = false
      _ = FileManager.default.fileExists(atPath: place.appending(path: path).path, isDirectory: &isDirectory)
      if isDirectory.boolValue {
        directories.insert(path)
      } else {
        files[path] = Array(try Data(contentsOf: place.appending(path: path)))
      }
    }
    return MemoryStorage(directories: directories, files: files)
  }

  private static func record(at place: URL) throws {
    guard !FileManager.default.fileExists(atPath: place.path) else { return }
    let disk = MemoryStorage()
    let store = try makeStore(on: disk)
    try fill(store)
    // Not closed: what stands behind the last checkpoint is replayed.
    for path in disk.paths {
      let url = place.appending(path: path)
      try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(disk.bytes(of: path)).write(to: url)
    }
    try listing(of: openStore(on: disk.copy())).write(
      to: place.appending(path: "listing"), atomically: true, encoding: .utf8)
  }

  // MARK: The content

  /// Forks, a snapshot and everything that files can have, in segments that are sealed and one that is not.
  private static func fill(_ store: Store) throws {
    _ = try store.createFork(named: "prod")
    let prod = try store.files("prod")
    let user = Credentials(user: 1000, group: 100, fileCreationMask: 0o022)
    var random = SeededRandom(seed: 1)
    try prod.makeRoot(mode: 0o755, user)
    let data = try prod.mkdir(1, Array("data".utf8), mode: 0o2770, user).inode
    let file = try prod.mknod(data, Array("table".utf8), mode: 0o100640, device: 0, user).inode
    let noise = random.bytes(9000)
    try write(prod, file, at: 0, noise)
    try write(prod, file, at: 40_000, [UInt8](repeating: 0x61, count: 20_000))
    _ = try prod.link(file, 1, Array("second name".utf8))
    let bytes = (0..<255).map { UInt8($0 + 1) }.map { $0 == UInt8(ascii: "/") ? 0xff : $0 }
    let copy = try prod.mknod(1, bytes, mode: 0o104755, device: 0, user).inode
    try write(prod, copy, at: 4096, Array(noise[..<4096]))
    _ = try prod.symlink(1, Array("short".utf8), target: Array("data/table".utf8), user)
    _ = try prod.symlink(1, Array("long".utf8), target: [UInt8](repeating: 0x62, count: 4095), user)
    _ = try prod.mknod(1, Array("fifo".utf8), mode: 0o010600, device: 0, user)
    _ = try prod.mknod(1, Array("device".utf8), mode: 0o020600, device: 0x0103, user)
    try prod.setxattr(file, Array("user.short".utf8), Array("value".utf8))
    try prod.setxattr(data, Array("user.long".utf8), random.bytes(10_000))
    let entries: [[UInt8]] = [[2, 0, 0, 0], [1, 0, 7, 0, 255, 255, 255, 255], [2, 0, 6, 0, 5, 0, 0, 0]]
    let rest: [[UInt8]] = [[4, 0, 5, 0], [16, 0, 7, 0], [32, 0, 0, 0]].map { $0 + [255, 255, 255, 255] }
    try prod.setxattr(data, Array("system.posix_acl_access".utf8), Array((entries + rest).joined()))
    var times = AttributeChange()
    times.accessed = .at(Timestamp(seconds: -1_000_000_000, nanoseconds: 123_456_789))
    times.modified = .at(Timestamp(seconds: 5_000_000_000, nanoseconds: 1))
    _ = try prod.setattr(copy, times)
    _ = try store.snapshot(Reference("prod"), as: "before")
    try store.checkpoint()
    _ = try store.fork(Reference("prod"), as: "try")
    let fork = try store.files("try")
    try write(fork, file, at: 100, Array("changed in the fork".utf8))
    try fork.unlink(1, Array("second name".utf8))
    _ = try store.collectGarbage()
    try prod.rename(data, Array("table".utf8), to: 1, Array("moved".utf8), flags: 4, user)
    try write(prod, file, at: 50_000, random.bytes(5000))
    prod.retain(copy)
    try prod.unlink(1, bytes)
  }

  private static func write(_ files: FileSystem, _ inode: UInt64, at offset: UInt64, _ bytes: [UInt8]) throws {
    _ = try bytes.withUnsafeBytes { try files.write(inode, at: offset, $0) }
  }

  // MARK: The listing

  /// Every head with everything in it, a line each.
  private static func listing(of store: Store) throws -> String {
    var lines: [String] = []
    for head in store.heads().sorted(by: { $0.name < $1.name }) {
      lines.append("\(head.name) \(head.kind) lsn \(head.lastLSN) inodes \(head.inodes) bytes \(head.bytes)")
      let files = try store.files(head.name)
      try list(files, try files.getattr(1), "", &lines)
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private static func list(
    _ files: FileSystem, _ attributes: Attributes, _ path: String, _ lines: inout [String]
  ) throws {
    lines.append("\(path)/ \(describe(attributes))")
    for name in try files.listxattr(attributes.inode).sorted(by: { $0.lexicographicallyPrecedes($1) }) {
      let value = try files.getxattr(attributes.inode, name)
      lines.append("  \(String(decoding: name, as: UTF8.self)) \(digest(value))")
    }
    switch attributes.mode & 0o170000 {
    case 0o120000: lines.append("  -> \(digest(try files.readlink(attributes.inode)))")
    case 0o100000:
      var content = [UInt8](repeating: 0, count: Int(attributes.size))
      let count = try content.withUnsafeMutableBytes { try files.read(attributes.inode, at: 0, into: $0) }
      lines.append("  \(count) bytes \(digest(content))")
    case 0o040000:
      var entries: [DirectoryEntry] = []
      try files.readdir(attributes.inode, after: 0) { entry in
        entries.append(entry)
        return true
      }
      for entry in entries.sorted(by: { $0.name.lexicographicallyPrecedes($1.name) }) where entry.inode > 1 {
        guard !entry.name.starts(with: Array(".".utf8)) else { continue }
        let name = entry.name.map { $0 > 32 && $0 < 127 ? String(UnicodeScalar($0)) : "%\($0)" }.joined()
        try list(files, try files.getattr(entry.inode), "\(path)/\(name)", &lines)
      }
    default: break
    }
  }

  private static func describe(_ attributes: Attributes) -> String {
    let times = [attributes.accessed, attributes.modified, attributes.changed, attributes.born]
    let owners = "mode \(String(attributes.mode, radix: 8)) owner \(attributes.owner) group \(attributes.group)"
    let counts = "links \(attributes.links) size \(attributes.size) blocks \(attributes.blocks)"
    return "inode \(attributes.inode) \(owners) \(counts) device \(attributes.device) times "
      + times.map { "\($0.seconds).\($0.nanoseconds)" }.joined(separator: " ")
  }

  private static func digest(_ bytes: [UInt8]) -> String { String(checksum(bytes), radix: 16) }
}
