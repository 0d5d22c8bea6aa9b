/// Where nodes that are not in memory come from.
public protocol NodeSource: AnyObject, Sendable {
  /// Reads the image of a node, verified against its digest, into a page of zeros, and returns its length in bytes. With `mayBlock`
  /// false it throws `wouldBlock` where the disk would have to be waited for.
  func readNode(
    _ reference: NodeReference, into page: UnsafeMutableRawBufferPointer, mayBlock: Bool
  ) throws(TreeError) -> Int
}
