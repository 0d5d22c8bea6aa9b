import CFUSE

/// What libfuse 3.14 does not pass on of the request that is being served, read from the request itself.
///
/// It belongs to the leading thread, and is valid from before the request goes to libfuse until its callback has looked.
struct Incoming {
  private(set) var number = RequestNumber(unique: 0)
  /// FUSE_TMPFILE is laid out and answered like FUSE_CREATE, and unknown to libfuse: it gets it as a FUSE_CREATE.
  private(set) var isTemporaryFile = false
  /// FUSE_STATX begins like FUSE_GETATTR, and is unknown to libfuse as well.
  private(set) var isExtendedStatus = false
  /// The kernel may have sent it in the background.
  private(set) var isTransfer = false
  /// The kernel may hold back writes of dirty pages of the node: it resizes the file, or waits for such writes.
  private(set) var mayHoldBackWrites = false
  /// The flags of a write, or of an open.
  private(set) var flags: UInt32 = 0
  /// An extended setxattr, taken apart here, because versions of libfuse disagree on its layout.
  private(set) var setxattr = UnsafeRawBufferPointer(start: nil, count: 0)

  /// FUSE_STATX, since protocol 7.39.
  private static let statx = fuse_opcode(52)
  /// FATTR_SIZE.
  private static let sizeBit: UInt32 = 1 << 3
  private static let headerSize = MemoryLayout<fuse_in_header>.size

  init() {}

  init(_ header: inout fuse_in_header, _ bytes: UnsafeRawBufferPointer) {
    number = RequestNumber(unique: header.unique)
    switch fuse_opcode(header.opcode) {
    case FUSE_TMPFILE:
      isTemporaryFile = true
      header.opcode = FUSE_CREATE.rawValue
    case Self.statx:
      isExtendedStatus = true
      header.opcode = FUSE_GETATTR.rawValue
    case FUSE_READ, FUSE_RELEASE, FUSE_RELEASEDIR:
      isTransfer = true
    case FUSE_WRITE:
      isTransfer = true
      flags = Self.word(bytes, at: \fuse_write_in.write_flags)
      mayHoldBackWrites = flags & UInt32(FUSE_WRITE_CACHE) != 0
    case FUSE_SETATTR:
      // A file that is cut off as a whole has nothing left to write.
      let isResized = Self.word(bytes, at: \fuse_setattr_in.valid) & Self.sizeBit != 0
      mayHoldBackWrites = isResized && Self.word(bytes, at: \fuse_setattr_in.size) != 0
    case FUSE_OPEN: flags = Self.word(bytes, at: \fuse_open_in.open_flags)
    case FUSE_SETXATTR: setxattr = UnsafeRawBufferPointer(rebasing: bytes[Self.headerSize...])
    default: break
    }
  }

  /// A field of the request's body; zero where the request is cut short.
  private static func word<Body, Word: FixedWidthInteger & BitwiseCopyable>(
    _ bytes: UnsafeRawBufferPointer, at field: KeyPath<Body, Word>
  ) -> Word {
    let offset = headerSize + MemoryLayout<Body>.offset(of: field)!
    let end = offset + MemoryLayout<Word>.size
    return end <= bytes.count ? bytes.loadUnaligned(fromByteOffset: offset, as: Word.self) : 0
  }
}
