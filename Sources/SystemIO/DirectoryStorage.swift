import CLinux
import Glibc

/// Storage on a directory of the host. It is opened once and used through its descriptor, so it stays the same directory whatever happens to
/// its path: it may be renamed, moved, or hidden by a mount.
public final class DirectoryStorage: Storage {
  private let directory: FileDescriptor

  /// The lock of its lock file, where another process has handed it over.
  private let heldLock: FileLock?

  public convenience init(opening path: String, holding lock: FileLock? = nil) throws(Errno) {
    self.init(owning: try FileDescriptor(opening: path, flags: O_RDONLY | O_DIRECTORY), holding: lock)
  }

  /// - Parameter directory: opened with O_RDONLY.
  public init(owning directory: consuming FileDescriptor, holding lock: FileLock? = nil) {
    self.directory = directory
    heldLock = lock
  }

  /// Makes a directory, readable by its owner alone.
  public static func makeDirectory(at path: String) throws(Errno) { try retryingInterrupts { mkdir(path, 0o700) } }

  /// The open directory; whoever takes over from this process needs it.
  public var descriptor: Int32 { directory.rawValue }

  /// A path to the directory that is good in this process as long as this object lives, whatever the directory is called.
  public var path: String { "/proc/self/fd/\(directory.rawValue)/." }

  /// Whether this process cannot make files in the directory at a path: it is another user's, or on a read-only file system.
  public static func isReadOnly(at path: String) -> Bool {
    faccessat(AT_FDCWD, path, W_OK | X_OK, AT_EACCESS) != 0 && Errno.last.meansReadOnly
  }

  public func makeDirectory(_ path: String) throws(Errno) {
    try retryingInterrupts { mkdirat(directory.rawValue, path, 0o700) }
  }

  public func list(_ path: String) throws(Errno) -> [String] {
    let opened = try openDirectory(path)
    guard let stream = fdopendir(opened.rawValue) else { throw Errno.last }
    // It belongs to the stream from here on.
    _ = opened.release()
    defer { closedir(stream) }
    var names: [String] = []
    while true {
      errno = 0
      guard let entry = readdir(stream) else {
        if errno != 0 { throw Errno.last }
        return names
      }
      let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != "." && name != ".." { names.append(name) }
    }
  }

  private func openDirectory(_ path: String) throws(Errno) -> FileDescriptor {
    try FileDescriptor(opening: path.isEmpty ? "." : path, in: directory, flags: O_RDONLY | O_DIRECTORY)
  }

  public func open(_ path: String, _ mode: StorageOpenMode) throws(Errno) -> any StorageFile {
    let flags =
      switch mode {
      case .reading: O_RDONLY
      case .readingAndWriting: O_RDWR
      case .creating: O_RDWR | O_CREAT | O_EXCL
      }
    return DirectoryStorageFile(try FileDescriptor(opening: path, in: directory, flags: flags, permissions: 0o600))
  }

  public func rename(_ path: String, to newPath: String) throws(Errno) {
    try retryingInterrupts { renameat(directory.rawValue, path, directory.rawValue, newPath) }
  }

  public func remove(_ path: String) throws(Errno) {
    try retryingInterrupts { unlinkat(directory.rawValue, path, 0) }
  }

  public func synchronizeDirectory(_ path: String) throws(Errno) {
    let opened = try openDirectory(path)
    try retryingInterrupts { fsync(opened.rawValue) }
  }

  /// Throws `accessDenied` or `readOnlyFileSystem` where an exclusive lock is wanted of a directory that cannot be written to.
  public func lock(_ path: String, _ mode: StorageLockMode) throws(Errno) -> any AnyObject & Sendable {
    if let heldLock {
      // It is held already, unless somebody has released it, and others may own the store by now.
      try take(mode, heldLock.descriptor)
      return heldLock
    }
    guard mode == .shared else {
      try retryingInterrupts { faccessat(directory.rawValue, ".", W_OK | X_OK, AT_EACCESS) }
      return try lock(path, O_RDWR | O_CREAT, mode)
    }
    do throws(Errno) { return try lock(path, O_RDONLY, mode) } catch {
      if error != .noSuchFile { throw error }
    }
    do throws(Errno) { return try lock(path, O_RDWR | O_CREAT, mode) } catch {
      guard error.meansReadOnly else { throw error }
      return Unlocked()
    }
  }

  private func lock(_ path: String, _ flags: Int32, _ mode: StorageLockMode) throws(Errno) -> FileLock {
    // What has taken its place is neither followed nor waited for, nor replaced: another process may hold a lock on what was there.
    let file = try FileDescriptor(
      opening: path, in: directory, flags: flags | O_NOFOLLOW | O_NONBLOCK, permissions: 0o600)
    guard try file.isRegularFile() else { throw .invalidArgument }
    try take(mode, file.rawValue)
    return FileLock(holding: file)
  }

  private func take(_ mode: StorageLockMode, _ file: Int32) throws(Errno) {
    try retryingInterrupts {
      mode == .shared ? linux_try_lock_shared(file) : linux_try_lock_exclusively(file)
    }
  }

  /// Stands for the lock of a file that nobody can make.
  private final class Unlocked: Sendable {}

  public func capacity() throws(Errno) -> (free: UInt64, total: UInt64) {
    var statistics = statvfs()
    try retryingInterrupts { fstatvfs(directory.rawValue, &statistics) }
    let unit = UInt64(statistics.f_frsize)
    return (UInt64(statistics.f_bavail) * unit, UInt64(statistics.f_blocks) * unit)
  }
}

private final class DirectoryStorageFile: StorageFile {
  private let descriptor: FileDescriptor

  init(_ descriptor: consuming FileDescriptor) { self.descriptor = descriptor }

  func read(into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64, mayBlock: Bool) throws(Errno) -> Int {
    var done = 0
    while done < buffer.count {
      var vector = iovec(iov_base: buffer.baseAddress! + done, iov_len: buffer.count - done)
      let count = try retryingInterrupts {
        linux_preadv(descriptor.rawValue, &vector, 1, off_t(offset) + off_t(done), mayBlock)
      }
      if count == 0 { break }
      done += count
    }
    return done
  }

  func write(_ buffers: [UnsafeRawBufferPointer], at offset: UInt64) throws(Errno) {
    var vectors = buffers.filter { !$0.isEmpty }.map {
      iovec(iov_base: UnsafeMutableRawPointer(mutating: $0.baseAddress!), iov_len: $0.count)
    }
    var position = off_t(offset)
    var first = 0
    while first < vectors.count {
      let index = first
      var written = try retryingInterrupts {
        vectors.withUnsafeBufferPointer {
          linux_pwritev(descriptor.rawValue, $0.baseAddress! + index, Int32($0.count - index), position)
        }
      }
      position += off_t(written)
      while first < vectors.count, written >= vectors[first].iov_len {
        written -= vectors[first].iov_len
        first += 1
      }
      if first < vectors.count {
        vectors[first].iov_base += written
        vectors[first].iov_len -= written
      }
    }
  }

  func synchronize() throws(Errno) { try retryingInterrupts { fdatasync(descriptor.rawValue) } }

  func synchronizeAndDropCache() throws(Errno) {
    try synchronize()
    let error = posix_fadvise(descriptor.rawValue, 0, 0, POSIX_FADV_DONTNEED)
    if error != 0 { throw Errno(rawValue: error) }
  }

  func startWriteback(at offset: UInt64, count: UInt64) throws(Errno) {
    try retryingInterrupts { linux_start_writeback(descriptor.rawValue, off_t(offset), off_t(count)) }
  }

  func size() throws(Errno) -> UInt64 {
    var status = stat()
    try retryingInterrupts { fstat(descriptor.rawValue, &status) }
    return UInt64(status.st_size)
  }

  func truncate(to size: UInt64) throws(Errno) {
    try retryingInterrupts { ftruncate(descriptor.rawValue, off_t(size)) }
  }

  func punchHole(at offset: UInt64, count: UInt64) throws(Errno) {
    try whereSupported { () throws(Errno) in
      try retryingInterrupts { linux_punch_hole(descriptor.rawValue, off_t(offset), off_t(count)) }
    }
  }

  func allocatedSize() throws(Errno) -> UInt64 {
    var status = stat()
    try retryingInterrupts { fstat(descriptor.rawValue, &status) }
    return UInt64(status.st_blocks) * 512
  }

  func allocate(at offset: UInt64, count: UInt64) throws(Errno) {
    try whereSupported { () throws(Errno) in
      try retryingInterrupts { linux_allocate(descriptor.rawValue, off_t(offset), off_t(count)) }
    }
  }

  /// Some file systems of hosts can neither reserve space nor give it back. Everything works on them, but for a full disk, which is noticed late.
  private func whereSupported(_ call: () throws(Errno) -> Void) throws(Errno) {
    do throws(Errno) { try call() } catch {
      if error != .notSupported { throw error }
    }
  }
}
