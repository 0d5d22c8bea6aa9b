import Ledger
public import Store
public import SystemIO
import Tree

extension FileSystem {
  /// Reads up to the end of the file and returns how many bytes there were.
  public func read(
    _ inode: InodeNumber, at offset: UInt64, into target: UnsafeMutableRawBufferPointer
  ) throws(Errno) -> Int {
    try volume.carryOut { () throws(Errno) in
      try plan(inode, offset, target.count)
    } _: { (plan) throws(LedgerError) in
      try volume.read(plan, into: UnsafeMutableRawBufferPointer(rebasing: target[..<plan.count]))
      return plan.count
    }
  }

  private func plan(_ inode: InodeNumber, _ offset: UInt64, _ count: Int) throws(Errno) -> ReadPlan {
    let plan = try reading { (tree) throws(TreeError) -> ReadPlan? in
      guard let item = try tree.inode(inode) else { return nil }
      let available = item.size > offset ? Int(min(UInt64(count), item.size - offset)) : 0
      let range = PageRange(offset: offset, count: available)
      return ReadPlan(range: range, extents: try tree.extents(of: inode, range.pages))
    }
    guard let plan else { throw .stale }
    return plan
  }
}
