/// What a session asks of the kernel.
public struct Configuration: Sendable {
  /// The largest read or write, in bytes; the kernel takes no more than 256 pages unless root raises its limit.
  public static let maximumTransfer = 1 << 20

  /// The kernel keeps written data back and owns size and times of a file until it writes them.
  public var writesBack = false
  /// `open` truncates a file that is opened with O_TRUNC. Leave it off where `open` is not implemented: the kernel then
  /// truncates with `setattr`.
  public var truncatesInOpen = false
  /// The kernel checks access control lists, and leaves it to `create` and its like to inherit them and to apply the
  /// caller's file creation mask, and to `setattr` to change them along with the mode.
  public var accessControlLists = false
  /// Look-ups of "." and ".." are answered for every inode that exists, whether the kernel knows it or not, so handles
  /// (open_by_handle_at(2), NFS) stay valid when it forgets inodes. Inode numbers must never be used again.
  public var findsInodes = false
  /// How many requests in the background (write-back, read-ahead) may be on their way; more wait in the kernel. Without
  /// CAP_SYS_ADMIN the kernel limits it to the parameter `max_user_bgreq` of its module.
  public var maximumBackground = UInt16.max
  /// Another process may take over the connection and ask the kernel to send unanswered requests again.
  public var allowsResending = false

  public init() {}

  /// The flags to ask for, of which the kernel grants those it knows.
  var flags: InitFlags {
    var flags: InitFlags = [
      .asyncRead, .bigWrites, .readdirplus, .readdirplusWhenUseful, .parallelDirectoryOperations, .abortError,
      .maximumPages, .cacheSymlinks, .noOpendir, .explicitInvalidation, .handlesPrivileges,
      .extendedSetxattr, .allowsMappedOwners,
    ]
    if findsInodes { flags.insert(.exportSupport) }
    if writesBack { flags.insert(.writeback) }
    if truncatesInOpen { flags.insert(.atomicTruncation) }
    if accessControlLists { flags.formUnion([.posixACL, .noMask]) }
    if allowsResending { flags.insert(.resend) }
    return flags
  }
}
