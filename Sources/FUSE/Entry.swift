import CFUSE

/// A name and what it leads to, which the kernel caches from then on: every time-out is infinite, because nothing but
/// this connection changes the file system without sending an invalidation.
public enum Entry: Reply {
  case node(NodeAttributes)
  /// There is no such name; the kernel remembers that too.
  case absent

  /// In seconds; the kernel limits it to what its clock can express.
  static let forever = Double(UInt32.max)

  public func send(to request: RawRequest) -> Int32 {
    withUnsafePointer(to: parameters) { fuse_reply_entry(request.pointer, $0) }
  }

  /// Inode numbers are never used again for another file, so the generation is always zero.
  var parameters: fuse_entry_param {
    var parameters = fuse_entry_param()
    parameters.entry_timeout = Self.forever
    guard case .node(let attributes) = self else { return parameters }
    parameters.ino = attributes.node
    parameters.attr = attributes.status
    parameters.attr_timeout = Self.forever
    return parameters
  }
}

/// How the kernel treats an open file.
public struct OpenedFile: Reply {
  /// Comes back with every request on the open file.
  public var handle: UInt64
  /// Pages that an earlier open left in the cache stay there.
  public var keepsCache: Bool
  /// Reads and writes bypass the page cache.
  public var isDirect: Bool

  public init(handle: UInt64 = 0, keepsCache: Bool = true, isDirect: Bool = false) {
    self.handle = handle
    self.keepsCache = keepsCache
    self.isDirect = isDirect
  }

  public func send(to request: RawRequest) -> Int32 {
    withUnsafePointer(to: information) { fuse_reply_open(request.pointer, $0) }
  }

  var information: fuse_file_info {
    var information = fuse_file_info()
    information.fh = handle
    information.keep_cache = keepsCache ? 1 : 0
    information.direct_io = isDirect ? 1 : 0
    return information
  }
}

/// A new file, opened at once.
public struct CreatedFile: Reply {
  public let attributes: NodeAttributes
  public let file: OpenedFile

  public init(_ attributes: NodeAttributes, _ file: OpenedFile = OpenedFile()) {
    self.attributes = attributes
    self.file = file
  }

  public func send(to request: RawRequest) -> Int32 {
    withUnsafePointer(to: Entry.node(attributes).parameters) { parameters in
      withUnsafePointer(to: file.information) { fuse_reply_create(request.pointer, parameters, $0) }
    }
  }
}
