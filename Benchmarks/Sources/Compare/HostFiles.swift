import Glibc
import SystemIO
import Workloads

/// Files of the host, or of whatever is mounted there.
enum HostFiles {
  static func write(_ content: UnsafeRawBufferPointer, to path: String) throws {
    let file = try FileDescriptor(opening: path, flags: O_WRONLY | O_CREAT | O_TRUNC, permissions: 0o644)
    try write(content, to: file, at: 0)
  }

  static func write(_ content: UnsafeRawBufferPointer, to file: borrowing FileDescriptor, at offset: UInt64)
    throws(Errno)
  {
    var done = 0
    while done < content.count {
      done += try retryingInterrupts {
        pwrite(file.rawValue, content.baseAddress! + done, content.count - done, off_t(offset) + off_t(done))
      }
    }
  }

  /// A large file; no page is like another, of this file or one with another seed.
  static func makeFile(_ path: String, mebibytes: Int, _ content: Content, seed: UInt64 = 1) throws {
    let buffer = ContentBuffer(count: 1 << 20, content, seed: seed)
    let file = try FileDescriptor(opening: path, flags: O_WRONLY | O_CREAT | O_TRUNC, permissions: 0o644)
    for index in 0..<mebibytes {
      buffer.renew(seed << 32 + UInt64(index))
      try write(buffer.content, to: file, at: UInt64(index) << 20)
    }
  }

  /// Many small files of 100 bytes to 8 KiB, a thousand in each directory.
  static func makeTree(_ path: String, files: Int) throws {
    let buffer = ContentBuffer(count: 8 << 10, .compressible)
    var noise = Noise(seed: 7)
    let storage = try DirectoryStorage(opening: path)
    for index in 0..<files {
      let directory = "directory\(index / 1000)"
      if index % 1000 == 0 { try storage.makeDirectory(directory) }
      buffer.renew(UInt64(index) << 8)
      let count = Int(noise.next() % 8000) + 100
      try write(UnsafeRawBufferPointer(rebasing: buffer.content[..<count]), to: "\(path)/\(directory)/file\(index)")
    }
  }
}
