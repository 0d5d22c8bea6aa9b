import Glibc

/// An error number of the kernel, as in errno(3): the one error type of everything that speaks POSIX.
public struct Errno: Error, Hashable, RawRepresentable, Sendable, CustomStringConvertible {
  public let rawValue: Int32

  public init(rawValue: Int32) { self.rawValue = rawValue }

  /// The error number that the last failed call of this thread left behind.
  public static var last: Errno { Errno(rawValue: errno) }

  /// The C library's text for it, such as "No such file or directory".
  public var description: String { String(cString: strerror(rawValue)) }

  public static let notPermitted = Errno(rawValue: EPERM)
  public static let noSuchFile = Errno(rawValue: ENOENT)
  public static let interrupted = Errno(rawValue: EINTR)
  public static let inputOutput = Errno(rawValue: EIO)
  public static let argumentListTooLong = Errno(rawValue: E2BIG)
  public static let badDescriptor = Errno(rawValue: EBADF)
  public static let wouldBlock = Errno(rawValue: EAGAIN)
  public static let noMemory = Errno(rawValue: ENOMEM)
  public static let accessDenied = Errno(rawValue: EACCES)
  public static let busy = Errno(rawValue: EBUSY)
  public static let exists = Errno(rawValue: EEXIST)
  public static let crossDevice = Errno(rawValue: EXDEV)
  public static let noDevice = Errno(rawValue: ENODEV)
  public static let notDirectory = Errno(rawValue: ENOTDIR)
  public static let isDirectory = Errno(rawValue: EISDIR)
  public static let invalidArgument = Errno(rawValue: EINVAL)
  public static let fileTooLarge = Errno(rawValue: EFBIG)
  public static let noSpace = Errno(rawValue: ENOSPC)
  public static let illegalSeek = Errno(rawValue: ESPIPE)
  public static let readOnlyFileSystem = Errno(rawValue: EROFS)
  public static let tooManyLinks = Errno(rawValue: EMLINK)
  public static let outOfRange = Errno(rawValue: ERANGE)
  public static let nameTooLong = Errno(rawValue: ENAMETOOLONG)
  public static let notImplemented = Errno(rawValue: ENOSYS)
  public static let directoryNotEmpty = Errno(rawValue: ENOTEMPTY)
  public static let noData = Errno(rawValue: ENODATA)
  public static let notSupported = Errno(rawValue: EOPNOTSUPP)
  public static let tooManySymbolicLinks = Errno(rawValue: ELOOP)
  public static let valueTooLarge = Errno(rawValue: EOVERFLOW)
  public static let noSuchDeviceOrAddress = Errno(rawValue: ENXIO)
  public static let notConnected = Errno(rawValue: ENOTCONN)
  public static let stale = Errno(rawValue: ESTALE)
  public static let canceled = Errno(rawValue: ECANCELED)
  public static let noBuffers = Errno(rawValue: ENOBUFS)
  public static let tooManyOpenFiles = Errno(rawValue: EMFILE)
  public static let messageTooLong = Errno(rawValue: EMSGSIZE)

  /// Whether it says that this process may not write there.
  public var meansReadOnly: Bool { self == .readOnlyFileSystem || self == .accessDenied }
}

/// Repeats `call` while a signal interrupts it, and turns its -1 into the error number it left.
@inline(__always)
@discardableResult
public func retryingInterrupts<Result: SignedInteger>(_ call: () -> Result) throws(Errno) -> Result {
  while true {
    let result = call()
    if result != -1 { return result }
    let error = Errno.last
    if error != .interrupted { throw error }
  }
}
