import Glibc
import Store
import SystemIO

/// Finds the first name of an exported file again, to give it more names. Each file with several names also has one in a directory of
/// its own at the top of the export, until the last of them is there: a path to the first name might be too long, or closed by now.
struct LinkStage {
  private let top: HostDirectory
  private var directory: HostDirectory?
  /// What the directory is called in the top one.
  private(set) var name: [UInt8] = []
  /// How many names each inode is still to get.
  private var missing: [InodeNumber: UInt32] = [:]

  init(in top: HostDirectory) { self.top = top }

  private static func name(_ inode: InodeNumber) -> [UInt8] { Array(String(inode).utf8) }

  /// Gives an inode that was exported before one more name; false where it was not.
  mutating func link(_ inode: InodeNumber, _ parent: HostDirectory, _ name: [UInt8]) throws(Errno) -> Bool {
    guard let directory, let count = missing[inode] else { return false }
    try directory.link(Self.name(inode), to: parent, as: name)
    if count > 1 { missing[inode] = count - 1 } else { try forget(inode) }
    return true
  }

  /// Notes an inode that was exported under its first name, and is to get `missing` more.
  mutating func add(_ inode: InodeNumber, missing count: UInt32, _ parent: HostDirectory, _ name: [UInt8]) throws(Errno)
  {
    try parent.link(name, to: try opened(), as: Self.name(inode))
    missing[inode] = count
  }

  /// No more names are given to this file of an inode: it has as many as the file system allows. The next is a file of its own.
  mutating func forget(_ inode: InodeNumber) throws(Errno) {
    missing[inode] = nil
    try directory?.unlink(Self.name(inode))
  }

  private mutating func opened() throws(Errno) -> HostDirectory {
    if let directory { return directory }
    let (name, directory) = try top.makeTemporaryDirectory(named: ".tine-links")
    self.name = name
    self.directory = directory
    return directory
  }

  /// Removes the directory.
  mutating func close() throws(Errno) {
    guard directory != nil else { return }
    for inode in missing.keys { try forget(inode) }
    directory = nil
    try top.unlink(name, AT_REMOVEDIR)
  }
}

extension HostDirectory {
  /// Makes a directory under a name that nobody has: `prefix` and a random number.
  func makeTemporaryDirectory(named prefix: String) throws(Errno) -> (name: [UInt8], directory: HostDirectory) {
    while true {
      let name = Array((prefix + "-" + String(UInt64.random(in: 0...UInt64.max), radix: 36)).utf8)
      do throws(Errno) { return (name, try makeDirectory(name)) } catch {
        guard error == .exists else { throw error }
      }
    }
  }
}
