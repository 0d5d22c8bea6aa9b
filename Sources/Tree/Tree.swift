// A copy-on-write B+tree. Nodes are shared between trees; each carries the epoch of the tree that owns it. A tree changes a node in place only
// when the node has the tree's own epoch, and copies it first otherwise. So forking is: give both sides a new epoch and the same root.
//
// Invariants:
// - an epoch is given to one tree at a time, and never given again, so a node with the tree's own epoch is reachable from that tree only;
// - a node with the tree's own epoch was born in the current generation (a checkpoint gives new epochs), so written nodes never change;
// - all leaves have the same depth; keys rise within a node and stay within the bounds that the parent gives;
// - a node refers only to nodes of its own generation or older ones.

/// The root of one tree, with the right to change nodes of one epoch. It is a value: a copy is the same state of the tree for as long
/// as the original gets a new epoch before its next change.
public struct Tree: Sendable, Equatable {
  public var root: NodeReference
  public var epoch: UInt64

  public init(root: NodeReference = .none, epoch: UInt64) {
    self.root = root
    self.epoch = epoch
  }

  /// The longest value of an entry, in bytes. A full node that was split in the middle, by bytes, has room for one more of them in
  /// either half: (4096 - 24) / 2 + 820 + 820 < 4072.
  public static let maximumValueLength = 800
}
