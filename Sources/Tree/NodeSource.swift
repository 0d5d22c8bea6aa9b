/// Where nodes that are not in memory come from.
public protocol NodeSource: AnyObject, Sendable {
  /// Reads the image of a node, verified against its digest, into a page of zeros, and returns its length in bytes.
  func readNode(_ reference: NodeReference, into page: UnsafeMutableRawBufferPointer) throws(TreeError) -> Int
}
