/// What a file system should hold, kept in the simplest way: a value, so that a fork is a copy.
public struct ModelFileSystem {
  public static let root: UInt64 = 1
  static let pageSize: UInt64 = 4096

  public enum Content: Equatable {
    case directory([[UInt8]: UInt64])
    /// Pages that are not all zero, by their numbers.
    case file([UInt64: [UInt8]])
    case link([UInt8])
    case device
  }

  public struct Node: Equatable {
    public var content: Content
    public var mode: UInt32
    public var links: UInt32
    public var size: UInt64 = 0
    public var attributes: [[UInt8]: [UInt8]] = [:]

    public init(content: Content, mode: UInt32, links: UInt32) {
      self.content = content
      self.mode = mode
      self.links = links
    }

    public var isDirectory: Bool { if case .directory = content { true } else { false } }
    public var isFile: Bool { if case .file = content { true } else { false } }

    public var entries: [[UInt8]: UInt64] {
      get { if case .directory(let entries) = content { entries } else { [:] } }
      set { content = .directory(newValue) }
    }

    public var pages: [UInt64: [UInt8]] {
      get { if case .file(let pages) = content { pages } else { [:] } }
      set { content = .file(newValue) }
    }
  }

  public private(set) var nodes: [UInt64: Node]
  /// How often each inode is in use by somebody who needs no name for it.
  public var users: [UInt64: Int] = [:]

  public init(mode: UInt32) { nodes = [Self.root: Node(content: .directory([:]), mode: mode, links: 2)] }

  public subscript(inode: UInt64) -> Node {
    get { nodes[inode]! }
    set { nodes[inode] = newValue }
  }

  public var directories: [UInt64] { nodes.filter { $0.value.isDirectory && $0.value.links > 0 }.keys.sorted() }
  public var files: [UInt64] { nodes.filter(\.value.isFile).keys.sorted() }
  public var inodes: [UInt64] { nodes.keys.sorted() }

  /// Inodes and stored pages, as the fork counts them.
  public var usage: (inodes: UInt64, pages: UInt64) {
    let pages = nodes.values.reduce(0) { $0 + $1.storedPages }
    return (UInt64(nodes.count), UInt64(pages))
  }

  mutating func remove(_ inode: UInt64) { nodes[inode] = nil }

  /// What a start after a crash does, and the first mount of a fork: what has no name goes.
  public mutating func dropNameless() {
    users = [:]
    nodes = nodes.filter { $0.value.links > 0 }
  }

  /// Each path with its inode, the root left out.
  public var paths: [[UInt8]: UInt64] {
    var found: [[UInt8]: UInt64] = [:]
    func visit(_ inode: UInt64, _ prefix: [UInt8]) {
      for (name, child) in self[inode].entries {
        found[prefix + name] = child
        if self[child].isDirectory { visit(child, prefix + name + [UInt8(ascii: "/")]) }
      }
    }
    visit(Self.root, [])
    return found
  }
}

extension ModelFileSystem.Node {
  /// Pages that take space: a long target of a link takes one.
  public var storedPages: Int {
    switch content {
    case .directory, .device: 0
    case .file(let pages): pages.count
    case .link(let target): target.count > 800 ? 1 : 0
    }
  }
}
