/// Bytes that are the same in every run: SplitMix64 from a seed.
public struct Noise: RandomNumberGenerator, Sendable {
  private var state: UInt64

  public init(seed: UInt64) { state = seed }

  public mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}

/// The kinds of content that cost a store differently.
public enum Content: String, CaseIterable, Sendable {
  /// Does not compress; no page like another.
  case random
  /// Rows of text and numbers that shrink to about a third; no page like another.
  case compressible
}

extension UnsafeMutableRawBufferPointer {
  /// Fills whole words with content; each seed gives other pages.
  public func fill(_ content: Content, seed: UInt64) {
    var noise = Noise(seed: seed)
    let row = Array("id=00000000;name=customer;city=Ulm;note=".utf8)
    for offset in stride(from: 0, to: count & ~7, by: 8) {
      let isText = content == .compressible && offset % 40 >= 8
      storeBytes(of: isText ? row.word(at: offset % 40) : noise.next(), toByteOffset: offset, as: UInt64.self)
    }
  }
}

extension [UInt8] {
  fileprivate func word(at offset: Int) -> UInt64 {
    withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: UInt64.self) }
  }
}

/// Memory for content, aligned to pages. It must outlive what uses `bytes`: keep it in a variable.
public final class ContentBuffer: @unchecked Sendable {
  public let bytes: UnsafeMutableRawBufferPointer
  public var content: UnsafeRawBufferPointer { UnsafeRawBufferPointer(bytes) }

  public init(count: Int, _ content: Content = .random, seed: UInt64 = 1) {
    bytes = .allocate(byteCount: count, alignment: 4096)
    bytes.fill(content, seed: seed)
  }

  deinit { bytes.deallocate() }

  /// Makes every page differ from all that were before, at the price of one store a page.
  public func renew(_ stamp: UInt64) {
    for page in stride(from: 0, to: bytes.count, by: 4096) {
      bytes.storeBytes(of: stamp &* 0x1_0000_0001 &+ UInt64(page), toByteOffset: page, as: UInt64.self)
    }
  }
}
