public import SystemIO

/// A moment, in seconds and nanoseconds since 1970; seconds before that are negative.
public struct Timestamp: Hashable, Sendable {
  public var seconds: Int64
  public var nanoseconds: UInt32

  public init(seconds: Int64, nanoseconds: UInt32) {
    self.seconds = seconds
    self.nanoseconds = nanoseconds
  }

  /// Nanoseconds since 1970, for records. Saturates.
  public var nanosecondsSinceEpoch: UInt64 {
    let (product, overflow) = UInt64(max(0, seconds)).multipliedReportingOverflow(by: 1_000_000_000)
    return overflow ? .max : product &+ UInt64(nanoseconds)
  }
}

/// The attributes of an inode.
///
///     mode u32, owner u32, group u32, links u32, device u32, reserved u32 (0), size u64, pages u64,
///     then accessed, modified, changed, born: seconds i64, nanoseconds u32
public struct InodeItem: Hashable, Sendable {
  /// Type and permissions, as in st_mode.
  public var mode: UInt32
  public var owner: UInt32
  public var group: UInt32
  public var links: UInt32
  /// Of a device node, as in st_rdev.
  public var device: UInt32
  /// In bytes; of a symbolic link the length of its target.
  public var size: UInt64
  /// How many pages of the content are stored: neither holes nor zeros.
  public var pages: UInt64
  public var accessed: Timestamp
  public var modified: Timestamp
  public var changed: Timestamp
  public var born: Timestamp

  public static let encodedSize = 88

  public init(
    mode: UInt32, owner: UInt32, group: UInt32, links: UInt32, device: UInt32 = 0, size: UInt64 = 0, pages: UInt64 = 0,
    time: Timestamp
  ) {
    self.mode = mode
    self.owner = owner
    self.group = group
    self.links = links
    self.device = device
    self.size = size
    self.pages = pages
    accessed = time
    modified = time
    changed = time
    born = time
  }

  public func encoded() -> [UInt8] {
    var writer = ByteWriter(reserving: Self.encodedSize)
    for field in [mode, owner, group, links, device, 0] { writer.integer(field) }
    writer.integer(size)
    writer.integer(pages)
    for time in [accessed, modified, changed, born] {
      writer.integer(time.seconds)
      writer.integer(time.nanoseconds)
    }
    return writer.bytes
  }

  public init(decoding bytes: UnsafeRawBufferPointer) throws(DecodingFailure) {
    var reader = ByteReader(bytes)
    mode = try reader.integer()
    owner = try reader.integer()
    group = try reader.integer()
    links = try reader.integer()
    device = try reader.integer()
    guard try reader.integer() == UInt32(0) else { throw DecodingFailure("an inode has an unknown flag") }
    size = try reader.integer()
    pages = try reader.integer()
    accessed = try Self.time(&reader)
    modified = try Self.time(&reader)
    changed = try Self.time(&reader)
    born = try Self.time(&reader)
    guard reader.remaining == 0 else { throw DecodingFailure("an inode has bytes behind its end") }
    guard pages <= HeadState.highestCount, size <= (isSymbolicLink ? 4096 : UInt64(Int64.max)) else {
      throw DecodingFailure("an inode is larger than any can be")
    }
  }

  private static func time(_ reader: inout ByteReader) throws(DecodingFailure) -> Timestamp {
    Timestamp(seconds: try reader.integer(), nanoseconds: try reader.integer())
  }
}

extension InodeItem {
  private static let typeMask: UInt32 = 0o170000
  public var type: UInt32 { mode & Self.typeMask }
  public var isDirectory: Bool { type == 0o040000 }
  public var isRegular: Bool { type == 0o100000 }
  public var isSymbolicLink: Bool { type == 0o120000 }
}
