import Ledger
import Store
import SystemIO
import TestSupport

@testable import FileSystem

/// A store on a disk in memory with one fork, "main", and its file system.
final class Fixture {
  let disk: MemoryStorage
  let store: Store
  let files: FileSystem
  static let root = FileSystem.rootInode
  static let user = Credentials(user: 7, group: 8)

  static var options: StoreOptions {
    var options = StoreOptions()
    options.checkpointsInBackground = false
    options.cleanNodes = 64
    options.reservedBytes = 32 << 10
    options.ledger.segmentSize = 256 << 10
    options.ledger.allocationStep = 16 << 10
    options.ledger.hintCapacity = 1 << 10
    return options
  }

  init() throws {
    disk = MemoryStorage()
    try Store.create(on: disk, describedAs: "memory")
    store = try Store.open(on: disk, options: Self.options, describedAs: "memory")
    _ = try store.createFork(named: "main")
    files = FileSystem(try store.volume(Reference("main")))
    try files.makeRoot(mode: 0o755, Self.user)
  }

  /// The state that a crash of the process leaves, opened again.
  func reopened() throws -> (store: Store, files: FileSystem) {
    let store = try Store.open(on: disk.copy(), options: Self.options, describedAs: "memory")
    return (store, FileSystem(try store.volume(Reference("main"))))
  }

  func makeFile(_ name: String, in parent: InodeNumber = root) throws -> InodeNumber {
    try files.mknod(parent, Array(name.utf8), mode: 0o100644, device: 0, Self.user).inode
  }

  var problems: [String] { get throws { try store.check().problems.map(\.message) } }
}

extension FileSystem {
  func contents(_ inode: InodeNumber, at offset: UInt64 = 0, count: Int? = nil) throws -> [UInt8] {
    let count = try count ?? Int(getattr(inode).size)
    var bytes = [UInt8](repeating: 0xaa, count: count)
    let read = try bytes.withUnsafeMutableBytes { (buffer: UnsafeMutableRawBufferPointer) throws -> Int in
      try self.read(inode, at: offset, into: buffer)
    }
    return Array(bytes[..<read])
  }

  @discardableResult
  func write(_ inode: InodeNumber, at offset: UInt64, _ bytes: [UInt8]) throws -> Int {
    try bytes.withUnsafeBytes { (buffer: UnsafeRawBufferPointer) throws -> Int in
      try self.write(inode, at: offset, buffer)
    }
  }

  func setSize(_ inode: InodeNumber, _ size: UInt64) throws {
    var change = AttributeChange()
    change.size = size
    _ = try setattr(inode, change)
  }

  func setxattr(_ inode: InodeNumber, _ name: String, _ value: [UInt8]) throws {
    try setxattr(inode, Array(name.utf8), value)
  }

  func getxattr(_ inode: InodeNumber, _ name: String) throws -> [UInt8] { try getxattr(inode, Array(name.utf8)) }
}
