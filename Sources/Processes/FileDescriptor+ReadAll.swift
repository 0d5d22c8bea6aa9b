import Glibc
public import SystemIO

extension FileDescriptor {
  /// All bytes from here to the end.
  public borrowing func readAll() throws(Errno) -> [UInt8] {
    var bytes: [UInt8] = []
    let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: 65536, alignment: 1)
    defer { piece.deallocate() }
    while true {
      let count = try retryingInterrupts { read(rawValue, piece.baseAddress, piece.count) }
      if count == 0 { return bytes }
      bytes.append(contentsOf: piece[..<count])
    }
  }
}
