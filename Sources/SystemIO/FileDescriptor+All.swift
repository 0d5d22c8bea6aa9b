import Glibc

extension FileDescriptor {
  /// All bytes from here to the end, which must come before more than `limit` bytes (`fileTooLarge` otherwise).
  public borrowing func readAll(limit: Int = .max) throws(Errno) -> [UInt8] {
    var bytes: [UInt8] = []
    let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: 65536, alignment: 1)
    defer { piece.deallocate() }
    while true {
      let count = try retryingInterrupts { read(rawValue, piece.baseAddress, piece.count) }
      if count == 0 { return bytes }
      bytes.append(contentsOf: piece[..<count])
      guard bytes.count <= limit else { throw .fileTooLarge }
    }
  }

  /// Writes all bytes here.
  public borrowing func writeAll(_ bytes: [UInt8]) throws(Errno) {
    var written = 0
    while written < bytes.count {
      written += try retryingInterrupts {
        bytes.withUnsafeBytes { write(rawValue, $0.baseAddress! + written, $0.count - written) }
      }
    }
  }
}
