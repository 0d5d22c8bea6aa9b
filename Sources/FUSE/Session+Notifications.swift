import CFUSE
public import SystemIO

/// What the kernel is told without having asked. Send these from a thread that serves no request: the kernel may first
/// write back what it drops, and that is a request again.
extension Session {
  /// Makes the kernel forget the attributes of a node and, with `data`, its cached content after writing back what is
  /// dirty of it.
  public func invalidate(_ node: NodeID, data: Bool = true) throws(Errno) {
    try check(fuse_lowlevel_notify_inval_inode(handle, node, data ? 0 : -1, 0))
  }

  /// The same for a file's content from an offset on.
  public func invalidate(_ node: NodeID, contentFrom offset: UInt64) throws(Errno) {
    try check(fuse_lowlevel_notify_inval_inode(handle, node, .init(clamping: offset), 0))
  }

  /// Makes the kernel forget what a name leads to.
  public func invalidate(_ name: [UInt8], in parent: NodeID) throws(Errno) {
    let result = (name + [0]).withUnsafeBufferPointer { bytes in
      bytes.withMemoryRebound(to: CChar.self) {
        fuse_lowlevel_notify_inval_entry(handle, parent, $0.baseAddress, name.count)
      }
    }
    try check(result)
  }

  /// That the kernel does not know the node or name is no failure.
  private func check(_ result: Int32) throws(Errno) {
    let error = Errno(rawValue: -result)
    if result != 0, error != .noSuchFile { throw error }
  }
}
