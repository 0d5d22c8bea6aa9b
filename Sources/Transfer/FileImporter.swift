import CLinux
import FileSystem
import Glibc
import Store
import SystemIO

/// A regular file to import.
struct ImportedFile: Sendable {
  let path: [UInt8]
  let entry: ImportedEntry
}

/// Adds single entries with what belongs to them.
final class FileImporter: Sendable {
  private static let pageSize = 4096
  private let fileSystem: FileSystem
  private let meter: TransferMeter

  init(_ fileSystem: FileSystem, _ meter: TransferMeter) {
    self.fileSystem = fileSystem
    self.meter = meter
  }

  /// A directory, symbolic link, device, FIFO or socket.
  func addWithoutContent(_ path: [UInt8], _ entry: ImportedEntry) throws(Errno) -> InodeNumber {
    var entry = entry
    if entry.item.isSymbolicLink { entry.target = try HostFile.readlink(path) }
    entry.extendedAttributes = try HostFile.attributes(path)
    let inode = try fileSystem.importEntry(entry, content: UnsafeRawBufferPointer(start: nil, count: 0))
    try meter.add(entries: 1)
    return inode
  }

  /// A regular file. Its size is what is read of it: the file may be growing.
  func add(_ file: ImportedFile) throws(Errno) -> InodeNumber {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: FileSystem.largestImport, alignment: Self.pageSize)
    defer { buffer.deallocate() }
    return try add(file, buffer)
  }

  func add(_ file: ImportedFile, _ buffer: UnsafeMutableRawBufferPointer) throws(Errno) -> InodeNumber {
    let descriptor = try HostFile.open(file.path, O_RDONLY)
    var entry = file.entry
    entry.extendedAttributes = try HostFile.attributes(file.path)
    let first = try read(descriptor, at: 0, buffer)
    // The common case is a file that one read holds: its size is known before it is added.
    if first.count < buffer.count { entry.item.size = UInt64(first.count) }
    let inode = try fileSystem.importEntry(entry, content: first.pages)
    try meter.add(entries: 1, bytes: UInt64(first.count))
    if first.count == buffer.count { try addRest(of: descriptor, inode, entry.item.size, buffer) }
    return inode
  }

  /// The content behind the first part, holes left out, up to the size that the file had.
  private func addRest(
    of descriptor: borrowing FileDescriptor, _ inode: InodeNumber, _ size: UInt64,
    _ buffer: UnsafeMutableRawBufferPointer
  ) throws(Errno) {
    var offset = UInt64(buffer.count)
    while offset < size {
      let data = linux_seek_data(descriptor.rawValue, off_t(offset))
      if data < 0 {
        // Nothing but a hole up to the end, or a file system that does not tell.
        if Errno.last == .noSuchDeviceOrAddress { return }
      } else {
        offset = max(offset, UInt64(data) / UInt64(Self.pageSize) * UInt64(Self.pageSize))
      }
      guard offset < size else { return }
      let wanted = min(UInt64(buffer.count), size - offset)
      let part = try read(
        descriptor, at: offset, UnsafeMutableRawBufferPointer(rebasing: buffer[..<Self.rounded(Int(wanted))]))
      guard part.count > 0 else { return }
      let count = min(part.count, Int(wanted))
      buffer.zero(from: count, to: Self.rounded(count))
      try fileSystem.importContent(inode, at: offset, UnsafeRawBufferPointer(rebasing: buffer[..<Self.rounded(count)]))
      try meter.add(bytes: UInt64(count))
      offset += UInt64(count)
    }
  }

  private static func rounded(_ count: Int) -> Int { (count + pageSize - 1) / pageSize * pageSize }

  /// Reads until the buffer is full or the file ends; the rest of the last page is zero.
  private func read(
    _ descriptor: borrowing FileDescriptor, at offset: UInt64, _ buffer: UnsafeMutableRawBufferPointer
  ) throws(Errno) -> (count: Int, pages: UnsafeRawBufferPointer) {
    var done = 0
    while done < buffer.count {
      let count = try retryingInterrupts {
        pread(descriptor.rawValue, buffer.baseAddress! + done, buffer.count - done, off_t(offset) + off_t(done))
      }
      if count == 0 { break }
      done += count
    }
    let end = Self.rounded(done)
    buffer.zero(from: done, to: end)
    return (done, UnsafeRawBufferPointer(rebasing: buffer[..<end]))
  }
}

extension UnsafeMutableRawBufferPointer {
  func zero(from start: Int, to end: Int) {
    UnsafeMutableRawBufferPointer(rebasing: self[start..<end]).initializeMemory(as: UInt8.self, repeating: 0)
  }
}
