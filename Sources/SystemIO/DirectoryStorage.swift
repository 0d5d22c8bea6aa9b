import CLinux
import Glibc

/// Storage on a directory of the host.
public final class DirectoryStorage: Storage {
  /// The directory's path on the host.
  public let path: String

  /// The lock of its lock file, where another process has handed it over.
  private let heldLock: FileLock?

  public init(_ path: String, holding lock: FileLock? = nil) {
    self.path = path
    heldLock = lock
  }

  private func absolute(_ relative: String) -> String { relative.isEmpty ? path : path + "/" + relative }

  public func makeDirectory(_ path: String) throws(Errno) {
    try retryingInterrupts { mkdir(absolute(path), 0o700) }
  }

  public func list(_ path: String) throws(Errno) -> [String] {
    guard let directory = opendir(absolute(path)) else { throw Errno.last }
    defer { closedir(directory) }
    var names: [String] = []
    while true {
      errno = 0
      guard let entry = readdir(directory) else {
        if errno != 0 { throw Errno.last }
        return names
      }
      let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != "." && name != ".." { names.append(name) }
    }
  }

  public func open(_ path: String, _ mode: StorageOpenMode) throws(Errno) -> any StorageFile {
    let flags =
      switch mode {
      case .reading: O_RDONLY
      case .readingAndWriting: O_RDWR
      case .creating: O_RDWR | O_CREAT | O_EXCL
      }
    return DirectoryStorageFile(try FileDescriptor(opening: absolute(path), flags: flags, permissions: 0o600))
  }

  public func rename(_ path: String, to newPath: String) throws(Errno) {
    try retryingInterrupts { Glibc.rename(absolute(path), absolute(newPath)) }
  }

  public func remove(_ path: String) throws(Errno) {
    try retryingInterrupts { Glibc.unlink(absolute(path)) }
  }

  public func synchronizeDirectory(_ path: String) throws(Errno) {
    let directory = try FileDescriptor(opening: absolute(path), flags: O_RDONLY | O_DIRECTORY)
    try retryingInterrupts { fsync(directory.rawValue) }
  }

  public func lock(_ path: String) throws(Errno) -> any AnyObject & Sendable {
    if let heldLock {
      // It is held already, unless somebody has released it, and others may own the store by now.
      try retryingInterrupts { linux_try_lock_exclusively(heldLock.descriptor) }
      return heldLock
    }
    let descriptor = try FileDescriptor(opening: absolute(path), flags: O_RDWR | O_CREAT, permissions: 0o600)
    try retryingInterrupts { linux_try_lock_exclusively(descriptor.rawValue) }
    return FileLock(holding: descriptor)
  }

  public func capacity() throws(Errno) -> (free: UInt64, total: UInt64) {
    var statistics = statvfs()
    try retryingInterrupts { statvfs(path, &statistics) }
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
