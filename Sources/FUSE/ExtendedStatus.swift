import CFUSE
import SystemIO

/// What statx(2) tells of an inode: its attributes, and when it was made.
///
/// The answer to FUSE_STATX as protocol 7.39 has it, which Debian 12's headers do not know (`struct fuse_statx_out` in
/// include/uapi/linux/fuse.h):
///
///     seconds for which it holds u64, nanoseconds u32, flags u32, 16 bytes unused
///     mask u32, block size u32, attributes u64, links u32, user u32, group u32, mode u16, 2 bytes unused
///     inode u64, size u64, blocks u64, mask of attributes u64
///     accessed, born, changed, modified: each seconds i64, nanoseconds u32, 4 bytes unused
///     device file: major u32, minor u32; device: major u32, minor u32; 112 bytes unused
public struct ExtendedStatus: Reply {
  public let attributes: NodeAttributes
  public let born: NodeTime

  static let size = 288
  /// STATX_BASIC_STATS and STATX_BTIME.
  private static let mask: UInt32 = 0x7ff | 0x800

  public init(_ attributes: NodeAttributes, born: NodeTime) {
    self.attributes = attributes
    self.born = born
  }

  public func send(to request: RawRequest) -> Int32 {
    encoded().withUnsafeBytes { Bytes.send($0, to: request) }
  }

  func encoded() -> [UInt8] {
    var writer = ByteWriter(reserving: Self.size)
    writer.integer(UInt64(Entry.forever))
    writer.unused(4 + 4 + 16)
    writer.integer(Self.mask)
    writer.integer(NodeAttributes.blockSize)
    writer.unused(8)
    writer.integer(attributes.links)
    writer.integer(attributes.user)
    writer.integer(attributes.group)
    writer.integer(UInt16(truncatingIfNeeded: attributes.mode))
    writer.unused(2)
    writer.integer(attributes.node)
    writer.integer(attributes.size)
    writer.integer(attributes.blocks)
    writer.unused(8)
    for time in [attributes.accessed, born, attributes.changed, attributes.modified] { writer.time(time) }
    // As the kernel takes the number of a device apart (new_decode_dev in include/linux/kdev_t.h).
    writer.integer(attributes.device >> 8 & 0xfff)
    writer.integer(attributes.device & 0xff | attributes.device >> 12 & 0xfff00)
    writer.unused(8 + 112)
    return writer.bytes
  }
}

extension ByteWriter {
  fileprivate mutating func unused(_ count: Int) { raw([UInt8](repeating: 0, count: count)) }

  fileprivate mutating func time(_ time: NodeTime) {
    integer(time.seconds)
    integer(time.nanoseconds)
    unused(4)
  }
}
