import CXXHash

/// The size of a block, a page of a file and a tree node, in bytes.
public let blockSize = 4096

/// The XXH3-128 digest of one block or node. It is fast but not cryptographic: equal digests only *suggest* equal bytes,
/// so a duplicate is used only after its bytes were compared. As a checksum it is verified at each read from the disk.
public struct Digest: Hashable, Sendable {
  public let low: UInt64
  public let high: UInt64

  public init(low: UInt64, high: UInt64) {
    self.low = low
    self.high = high
  }

  @inline(__always)
  public init(of bytes: UnsafeRawBufferPointer) {
    let hash = XXH3_128bits(bytes.baseAddress, bytes.count)
    self.init(low: hash.low64, high: hash.high64)
  }
}

/// XXH3-64 with a seed: the checksum of headers, records and directories.
@inline(__always)
public func checksum(_ bytes: UnsafeRawBufferPointer, seed: UInt64 = 0) -> UInt64 {
  XXH3_64bits_withSeed(bytes.baseAddress, bytes.count, seed)
}

/// The checksum of an array's bytes.
public func checksum(_ bytes: [UInt8], seed: UInt64 = 0) -> UInt64 {
  bytes.withUnsafeBytes { checksum($0, seed: seed) }
}
