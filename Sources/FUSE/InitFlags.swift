/// The features that the kernel and a session agree on in FUSE_INIT, as the wire numbers them. The C headers of Debian 12
/// stop at protocol 7.38, so the bits stand here.
public struct InitFlags: OptionSet, Hashable, Sendable {
  public let rawValue: UInt64
  public init(rawValue: UInt64) { self.rawValue = rawValue }
  private init(bit: Int) { rawValue = 1 << UInt64(bit) }

  public static let asyncRead = InitFlags(bit: 0)
  public static let atomicTruncation = InitFlags(bit: 3)
  /// Handles (name_to_handle_at) outlive the kernel's caches: it looks up "." and ".." of an inode that it forgot.
  public static let exportSupport = InitFlags(bit: 4)
  public static let bigWrites = InitFlags(bit: 5)
  /// The kernel leaves the caller's file creation mask to us.
  public static let noMask = InitFlags(bit: 6)
  public static let readdirplus = InitFlags(bit: 13)
  public static let readdirplusWhenUseful = InitFlags(bit: 14)
  /// The kernel works at asynchronous direct writes in the background, and does not drop what others have cached of them
  /// meanwhile: never asked for (docs/design/0015-direct-io.md).
  public static let asyncDirectIO = InitFlags(bit: 15)
  public static let writeback = InitFlags(bit: 16)
  public static let parallelDirectoryOperations = InitFlags(bit: 18)
  public static let posixACL = InitFlags(bit: 20)
  /// Reading from an aborted connection fails with ECONNABORTED, from an unmounted one with ENODEV.
  public static let abortError = InitFlags(bit: 21)
  public static let maximumPages = InitFlags(bit: 22)
  public static let cacheSymlinks = InitFlags(bit: 23)
  public static let noOpendir = InitFlags(bit: 24)
  public static let explicitInvalidation = InitFlags(bit: 25)
  /// We clear set-user-ID, set-group-ID and capabilities. Without it the kernel asks for security.capability with every
  /// write.
  public static let handlesPrivileges = InitFlags(bit: 28)
  public static let extendedSetxattr = InitFlags(bit: 29)
  /// The upper half of the flags is valid.
  public static let extended = InitFlags(bit: 30)
  public static let resend = InitFlags(bit: 39)
  /// The mount can be mapped to other owners (mount_setattr(2)). Requests that make an object then carry mapped owners, and all
  /// others none: permissions must be the kernel's to check.
  public static let allowsMappedOwners = InitFlags(bit: 40)

  var lowerHalf: UInt32 { UInt32(truncatingIfNeeded: rawValue) }
  var upperHalf: UInt32 { UInt32(truncatingIfNeeded: rawValue >> 32) }

  init(lowerHalf: UInt32, upperHalf: UInt32) {
    let extended = lowerHalf & Self.extended.lowerHalf != 0
    rawValue = UInt64(lowerHalf) | (extended ? UInt64(upperHalf) << 32 : 0)
  }
}
