/// The only door to the disk: everything a store reads or writes goes through it, so that a simulated disk with faults
/// can stand in for the real one. Paths are relative to the store's directory.
public protocol Storage: Sendable {
  /// Makes a directory, readable by its owner alone.
  func makeDirectory(_ path: String) throws(Errno)

  /// The names in a directory, without "." and "..", in no order.
  func list(_ path: String) throws(Errno) -> [String]

  func open(_ path: String, _ mode: StorageOpenMode) throws(Errno) -> any StorageFile

  /// Gives a file a new name and replaces what had that name, atomically.
  func rename(_ path: String, to newPath: String) throws(Errno)

  func remove(_ path: String) throws(Errno)

  /// Makes the names in a directory durable.
  func synchronizeDirectory(_ path: String) throws(Errno)

  /// Locks a file, which is made where it is missing, until the returned object goes; `wouldBlock` where another holds it. Whoever only reads
  /// needs no more than a shared lock, and where the file is missing and cannot be made, none.
  func lock(_ path: String, _ mode: StorageLockMode) throws(Errno) -> any AnyObject & Sendable

  /// Bytes that are free for this store, and the size of the disk.
  func capacity() throws(Errno) -> (free: UInt64, total: UInt64)
}

public enum StorageLockMode: Sendable {
  /// Any number of readers, and nobody who writes.
  case shared
  case exclusive
}

public enum StorageOpenMode: Sendable {
  case reading
  case readingAndWriting
  /// Fails with `exists` where the name is taken.
  case creating
}

/// An open file; it is closed when the last reference goes. All methods may be called from any thread.
public protocol StorageFile: AnyObject, Sendable {
  /// Reads until the buffer is full or the file ends, and returns how many bytes it read. With `mayBlock` false it throws
  /// `wouldBlock` where the bytes are not in memory.
  func read(into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64, mayBlock: Bool) throws(Errno) -> Int

  /// Writes all buffers one behind the other; after an error an unknown part of them was written.
  func write(_ buffers: [UnsafeRawBufferPointer], at offset: UInt64) throws(Errno)

  /// Makes the content durable (fdatasync).
  func synchronize() throws(Errno)

  /// Makes the content durable, and drops it from the host's memory: from here on reads show what is on the disk. After a flush that
  /// failed that may be less than they showed before, for the host then takes for written what it could not write.
  func synchronizeAndDropCache() throws(Errno)

  /// Starts to write content back without waiting for it.
  func startWriteback(at offset: UInt64, count: UInt64) throws(Errno)

  func size() throws(Errno) -> UInt64

  func truncate(to size: UInt64) throws(Errno)

  /// Gives the space of a range back; it reads as zeros then.
  func punchHole(at offset: UInt64, count: UInt64) throws(Errno)

  /// Bytes that the file takes on the disk.
  func allocatedSize() throws(Errno) -> UInt64

  /// Reserves space, so that a later write in the range does not fail for want of it. New bytes read as zeros.
  func allocate(at offset: UInt64, count: UInt64) throws(Errno)
}

extension StorageFile {
  /// Reads `count` bytes or throws `inputOutput` where the file ends before.
  public func readExactly(_ count: Int, at offset: UInt64, mayBlock: Bool = true) throws(Errno) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    var failure: Errno?
    let read = bytes.withUnsafeMutableBytes { buffer in
      do throws(Errno) {
        return try self.read(into: buffer, at: offset, mayBlock: mayBlock)
      } catch {
        failure = error
        return 0
      }
    }
    if let failure { throw failure }
    guard read == count else { throw .inputOutput }
    return bytes
  }

  /// Reads `count` bytes; nil where the disk cannot read them, or the file ends before. To a repair that is damage like
  /// any other.
  public func readable(_ count: Int, at offset: UInt64) throws(Errno) -> [UInt8]? {
    do throws(Errno) { return try readExactly(count, at: offset) } catch {
      guard error == .inputOutput else { throw error }
      return nil
    }
  }

  public func write(_ bytes: [UInt8], at offset: UInt64) throws(Errno) {
    var failure: Errno?
    bytes.withUnsafeBytes { buffer in
      do throws(Errno) { try self.write([buffer], at: offset) } catch { failure = error }
    }
    if let failure { throw failure }
  }
}
