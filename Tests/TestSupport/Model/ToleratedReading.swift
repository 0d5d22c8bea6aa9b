public import FileSystem
import SystemIO

/// What a damaged head gave when everything of it was read.
public struct ToleratedReading: Sendable {
  /// Pages of files that gave EIO, and whatever else of an inode did.
  public private(set) var unreadablePages: Set<[UInt64]> = []
  public private(set) var unreadableInodes: Set<UInt64> = []
  /// Directories and what could not be looked up in them: either of the two may be the reason.
  public private(set) var unreadableEntries: Set<[UInt64]> = []

  public var isWhole: Bool { unreadablePages.isEmpty && unreadableInodes.isEmpty && unreadableEntries.isEmpty }

  public struct Lie: Error, CustomStringConvertible { public let description: String }

  /// Reads every name, attribute and page that the model has; throws where one is neither what it was nor EIO.
  public init(_ files: FileSystem, _ model: ModelFileSystem) throws {
    for inode in model.inodes { try read(inode, files, model) }
  }

  private mutating func attempt<Value: Equatable>(
    _ inode: UInt64, _ what: String, expecting expected: Value, _ body: () throws -> Value
  ) throws {
    do {
      let value = try body()
      guard value == expected else { throw Lie(description: "inode \(inode): \(what) is \(value), not \(expected)") }
    } catch let error as Errno where error == .inputOutput {
      unreadableInodes.insert(inode)
    }
  }

  private mutating func read(_ inode: UInt64, _ files: FileSystem, _ model: ModelFileSystem) throws {
    let node = model[inode]
    try attempt(inode, "its attributes", expecting: [UInt64(node.mode), node.isDirectory ? 4096 : node.size]) {
      let found = try files.getattr(inode)
      return [UInt64(found.mode), found.size]
    }
    if case .link(let target) = node.content {
      try attempt(inode, "its target", expecting: target) { try files.readlink(inode) }
    }
    try attempt(inode, "its list of attributes", expecting: Set(node.attributes.keys)) {
      Set(try files.listxattr(inode))
    }
    for (name, value) in node.attributes {
      try attempt(inode, "an attribute", expecting: value) { try files.getxattr(inode, name) }
    }
    for (name, child) in node.entries {
      do {
        guard try files.lookup(inode, name).inode == child else { throw Lie(description: "\(name) is another inode") }
      } catch let error as Errno where error == .inputOutput {
        unreadableEntries.insert([inode, child])
      }
    }
    if node.isDirectory { try list(inode, files, node) }
    for (page, bytes) in node.pages {
      let expected = Array(bytes.prefix(Int(min(node.size - page * 4096, 4096))))
      do {
        guard try files.bytes(of: inode, at: page * 4096, count: 4096) == expected else {
          throw Lie(description: "inode \(inode): page \(page) has other bytes")
        }
      } catch let error as Errno where error == .inputOutput {
        unreadablePages.insert([inode, page])
      }
    }
  }

  private mutating func list(_ inode: UInt64, _ files: FileSystem, _ node: ModelFileSystem.Node) throws {
    try attempt(inode, "its list of names", expecting: Set(node.entries.keys).union([[0x2e], [0x2e, 0x2e]])) {
      var names: Set<[UInt8]> = []
      try files.readdir(inode, after: 0) { entry in
        names.insert(entry.name)
        return true
      }
      return names
    }
  }
}
