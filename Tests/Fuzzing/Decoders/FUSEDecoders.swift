import CFUSE

@testable import FUSE

/// What the kernel sends. libfuse refuses a request without a whole header.
extension Decoder {
  func acceptsRequest(_ bytes: [UInt8]) -> Bool {
    guard var header = header(bytes) else { return false }
    let incoming = bytes.withUnsafeBytes { Incoming(&header, $0) }
    return incoming.isTransfer || incoming.mayHoldBackWrites || incoming.isTemporaryFile || incoming.isExtendedStatus
      || incoming.flags != 0
  }

  /// Whether it has the long form, then the body of the request.
  func acceptsSetAttribute(_ bytes: [UInt8]) -> Bool {
    guard let first = bytes.first else { return false }
    return bytes.withUnsafeBytes {
      SetAttribute(UnsafeRawBufferPointer(rebasing: $0[1...]), isExtended: first & 1 != 0) != nil
    }
  }

  func acceptsNegotiation(_ bytes: [UInt8]) -> Bool {
    guard let header = header(bytes) else { return false }
    var negotiation = Negotiation(Configuration())
    bytes.withUnsafeBytes { negotiation.note(header, $0) }
    precondition(negotiation.flags.isSubset(of: negotiation.offered), "what was not offered is asked for")
    return !negotiation.flags.isEmpty
  }

  private func header(_ bytes: [UInt8]) -> fuse_in_header? {
    guard bytes.count >= MemoryLayout<fuse_in_header>.size else { return nil }
    return bytes.withUnsafeBytes { $0.loadUnaligned(as: fuse_in_header.self) }
  }
}
