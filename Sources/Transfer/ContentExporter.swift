import FileSystem
import Glibc
import Store
import SystemIO

/// Writes the content of files, with their holes.
final class ContentExporter {
  /// SEEK_DATA and SEEK_HOLE of lseek(2).
  private static let seekData: Int32 = 3
  private static let seekHole: Int32 = 4
  /// The unit in which a file's space is told.
  private static let blockSize: UInt64 = 512

  private let fileSystem: FileSystem
  private let meter: TransferMeter
  private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 4096)

  init(_ fileSystem: FileSystem, _ meter: TransferMeter) {
    self.fileSystem = fileSystem
    self.meter = meter
  }

  deinit { buffer.deallocate() }

  /// - Parameter target: a new file.
  func write(_ file: Attributes, to target: borrowing FileDescriptor) throws(Errno) {
    if file.blocks * Self.blockSize >= file.size { return try copy(0..<file.size, of: file.inode, to: target) }
    var end: UInt64 = 0
    while let data = try nextData(file.inode, from: end) {
      end = try fileSystem.lseek(file.inode, offset: data, whence: Self.seekHole)
      try copy(data..<end, of: file.inode, to: target)
    }
    if end < file.size { try retryingInterrupts { ftruncate(target.rawValue, off_t(file.size)) } }
  }

  private func copy(
    _ range: Range<UInt64>, of inode: InodeNumber, to target: borrowing FileDescriptor
  ) throws(Errno) {
    var offset = range.lowerBound
    while offset < range.upperBound {
      let wanted = Int(min(range.upperBound - offset, UInt64(buffer.count)))
      let part = UnsafeMutableRawBufferPointer(rebasing: buffer[..<wanted])
      let count = try fileSystem.read(inode, at: offset, into: part)
      guard count > 0 else { throw .inputOutput }
      try write(UnsafeRawBufferPointer(rebasing: part[..<count]), at: offset, to: target)
      offset += UInt64(count)
    }
  }

  private func write(
    _ bytes: UnsafeRawBufferPointer, at offset: UInt64, to target: borrowing FileDescriptor
  ) throws(Errno) {
    var done = 0
    while done < bytes.count {
      done += try retryingInterrupts {
        pwrite(target.rawValue, bytes.baseAddress! + done, bytes.count - done, off_t(offset) + off_t(done))
      }
    }
    try meter.add(bytes: UInt64(bytes.count))
  }

  /// Where data begins at or behind an offset; nil where nothing but a hole is left.
  private func nextData(_ inode: InodeNumber, from offset: UInt64) throws(Errno) -> UInt64? {
    do throws(Errno) { return try fileSystem.lseek(inode, offset: offset, whence: Self.seekData) } catch {
      if error == .noSuchDeviceOrAddress { return nil }
      throw error
    }
  }
}
