import CLinux
import Glibc
import SystemIO

/// Reading a directory, getdents64(2). The kernel gives entries one after the other:
///
///     inode u64, cookie u64, length of the entry u16, type u8, then the name, which a zero ends
extension HostDirectory {
  private static let lengthOffset = 16
  private static let nameOffset = 19
  private static let bufferSize = 32768

  /// All names, without "." and "..".
  func names() throws(Errno) -> [[UInt8]] {
    try retryingInterrupts { lseek(descriptor.rawValue, 0, SEEK_SET) }
    return try withUnsafeTemporaryAllocationTyped(byteCount: Self.bufferSize) { (buffer) throws(Errno) in
      var names: [[UInt8]] = []
      while true {
        let count = try retryingInterrupts {
          linux_read_directory(descriptor.rawValue, buffer.baseAddress!, buffer.count)
        }
        if count == 0 { return names }
        Self.append(UnsafeRawBufferPointer(rebasing: buffer[..<count]), to: &names)
      }
    }
  }

  private static func append(_ entries: UnsafeRawBufferPointer, to names: inout [[UInt8]]) {
    var offset = 0
    while offset + nameOffset < entries.count {
      let length = Int(entries.loadUnaligned(fromByteOffset: offset + lengthOffset, as: UInt16.self))
      let entry = UnsafeRawBufferPointer(rebasing: entries[offset..<min(offset + max(length, 1), entries.count)])
      let name = [UInt8](entry.dropFirst(nameOffset).prefix { $0 != 0 })
      if name != [0x2E], name != [0x2E, 0x2E] { names.append(name) }
      offset += max(length, 1)
    }
  }
}
